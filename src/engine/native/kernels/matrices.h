/*
 * The three matrices of Winograd's F(4 x 4, 3 x 3) (Lavin & Gray 2016, section 4), by Cook's and Toom's construction
 * (Barabasz et al. 2020): a tile of 4 x 4 outputs is a product of polynomials, known by its values at six points.
 *
 * The points are 0, +-3/4, +-3/2 and infinity. With the common 0, +-1, +-2 the error is twice as large; with these it is twice
 * that of summing directly in float32.
 */
#pragma once

constexpr int kOutputs = 4, kTaps = 3, kInputs = 6;
constexpr int kFinite = kInputs - 1;
constexpr double kPoints[kFinite] = {0, 0.75, -0.75, 1.5, -1.5};

template <int R, int C>
struct Matrix {
  static constexpr int rows = R, columns = C;
  float at[R][C];
};

template <int R, int C>
constexpr Matrix<C, R> transposed(const Matrix<R, C>& matrix) {
  Matrix<C, R> result{};
  for (int r = 0; r < R; ++r)
    for (int c = 0; c < C; ++c) result.at[c][r] = matrix.at[r][c];
  return result;
}

/* A': powers of the points; the last column is infinity's. */
constexpr Matrix<kOutputs, kInputs> makeOutput() {
  Matrix<kOutputs, kInputs> result{};
  for (int p = 0; p < kFinite; ++p) {
    double power = 1;
    for (int r = 0; r < kOutputs; ++r, power *= kPoints[p]) result.at[r][p] = static_cast<float>(power);
  }
  result.at[kOutputs - 1][kInputs - 1] = 1;
  return result;
}

/* G: powers of the points over Lagrange's denominators. */
constexpr Matrix<kInputs, kTaps> makeFilter() {
  Matrix<kInputs, kTaps> result{};
  for (int p = 0; p < kFinite; ++p) {
    double denominator = 1;
    for (int q = 0; q < kFinite; ++q)
      if (q != p) denominator *= kPoints[p] - kPoints[q];
    double power = 1;
    for (int c = 0; c < kTaps; ++c, power *= kPoints[p]) result.at[p][c] = static_cast<float>(power / denominator);
  }
  result.at[kInputs - 1][kTaps - 1] = 1;
  return result;
}

/* B': coefficients of the product of x - q over all finite points q but the row's own. */
constexpr Matrix<kInputs, kInputs> makeInput() {
  Matrix<kInputs, kInputs> result{};
  for (int p = 0; p < kInputs; ++p) {
    double polynomial[kInputs + 1] = {1};
    for (int q = 0; q < kFinite; ++q) {
      if (q == p) continue;
      for (int k = kInputs - 1; k >= 0; --k) polynomial[k] = (k > 0 ? polynomial[k - 1] : 0) - kPoints[q] * polynomial[k];
    }
    for (int k = 0; k < kInputs; ++k) result.at[p][k] = static_cast<float>(polynomial[k]);
  }
  return result;
}

static constexpr auto kOutputMatrix = makeOutput();
static constexpr auto kFilterMatrix = makeFilter();
static constexpr auto kInputMatrix = makeInput();
/* Gradients go through the transposed maps. */
static constexpr auto kOutputAdjoint = transposed(kOutputMatrix);
static constexpr auto kFilterAdjoint = transposed(kFilterMatrix);
static constexpr auto kInputAdjoint = transposed(kInputMatrix);
