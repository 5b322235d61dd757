/*
 * Ops for TensorFlow that let it do a 3 x 3 convolution (stride 1, one cell of padding) as 36 matrix products, with a quarter
 * of the multiplications: Winograd's minimal filtering F(4 x 4, 3 x 3), on CPUs. Maps are [N, H, W, C], filters [3, 3, C, K],
 * what is multiplied is [36, tiles, C] and [36, C, K]; channels are multiples of 16. The graph pass `winograd.ts` puts these
 * ops and TensorFlow's own batched matrix product together:
 *
 *   map      x  -> WinogradTiles      -> V        y  = WinogradOutput(V U, x)
 *   filter   g  -> WinogradFilter     -> U        dg = WinogradFilterGrad(V' D)
 *   gradient dy -> WinogradOutputGrad -> D        dx = WinogradInputGrad(D U', dy)
 *
 * Every op is one linear map on both sides of small squares, m X m', for 16 channels at a time.
 */
#include "lanes.h"
#include "matrices.h"
#include "op.h"
#include "ops.h"
#include "parallel.h"

namespace {

constexpr int kProducts = kInputs * kInputs;
/* y = m x for one column x of Lanes, `step` apart; y's are `apart` apart. */
template <const auto& m>
INLINE void column(const Lanes* x, int step, Lanes* y, int apart) {
#pragma GCC unroll 6
  for (int r = 0; r < m.rows; ++r) {
    Lanes sum = {};
#pragma GCC unroll 6
    for (int s = 0; s < m.columns; ++s) {
      if (m.at[r][s] == 0) continue;
      sum += m.at[r][s] == 1 ? x[s * step] : m.at[r][s] * x[s * step];
    }
    y[r * apart] = sum;
  }
}

/* y = m x m', both row by row. */
template <const auto& m>
INLINE void square(const Lanes* x, Lanes* y) {
  Lanes half[m.rows * m.columns];
#pragma GCC unroll 6
  for (int s = 0; s < m.columns; ++s) column<m>(x + s, m.columns, half + s, m.columns);
#pragma GCC unroll 6
  for (int r = 0; r < m.rows; ++r) column<m>(half + r * m.columns, 1, y + r * m.rows, 1);
}

/* A map and its tiles of 4 x 4 cells, image by image and row by row; those at the end may reach beyond the map. */
struct Map {
  int64_t images, height, width, channels;
  int64_t tileRows() const { return (height + kOutputs - 1) / kOutputs; }
  int64_t tileColumns() const { return (width + kOutputs - 1) / kOutputs; }
  int64_t tiles() const { return images * tileRows() * tileColumns(); }
  bool has(int64_t row, int64_t column) const { return row >= 0 && row < height && column >= 0 && column < width; }
  int64_t cell(int64_t image, int64_t row, int64_t column) const { return ((image * height + row) * width + column) * channels; }
};

/* Reads the squares that `margin` cells around each tile make, zeros beyond the map. Items: rows of tiles. */
template <const auto& m, int margin>
INLINE void fromMap(const float* map, float* products, const Map& size, int64_t first, int64_t last) {
  constexpr int side = m.columns;
  const int64_t plane = size.tiles() * size.channels;
  for (int64_t item = first; item < last; ++item) {
    const int64_t image = item / size.tileRows(), top = item % size.tileRows() * kOutputs - margin;
    for (int64_t tile = 0; tile < size.tileColumns(); ++tile) {
      const int64_t left = tile * kOutputs - margin;
      float* to = products + (item * size.tileColumns() + tile) * size.channels;
      for (int64_t channel = 0; channel < size.channels; channel += kLanes) {
        Lanes in[side * side], out[kProducts];
        for (int r = 0; r < side; ++r)
          for (int s = 0; s < side; ++s)
            in[r * side + s] = size.has(top + r, left + s) ? load(map + size.cell(image, top + r, left + s) + channel) : Lanes{};
        square<m>(in, out);
        for (int p = 0; p < kProducts; ++p) store(to + p * plane + channel, out[p]);
      }
    }
  }
}

/* Items: rows of tiles. @param bias [C] or null. */
INLINE void toMap(const float* products, const float* bias, bool relu, float* map, const Map& size, int64_t first, int64_t last) {
  const int64_t plane = size.tiles() * size.channels;
  for (int64_t item = first; item < last; ++item) {
    const int64_t image = item / size.tileRows(), top = item % size.tileRows() * kOutputs;
    for (int64_t tile = 0; tile < size.tileColumns(); ++tile) {
      const int64_t left = tile * kOutputs;
      const float* from = products + (item * size.tileColumns() + tile) * size.channels;
      for (int64_t channel = 0; channel < size.channels; channel += kLanes) {
        Lanes in[kProducts], out[kOutputs * kOutputs];
        for (int p = 0; p < kProducts; ++p) in[p] = load(from + p * plane + channel);
        square<kOutputMatrix>(in, out);
        const Lanes added = bias == nullptr ? Lanes{} : load(bias + channel);
        for (int r = 0; r < kOutputs; ++r)
          for (int s = 0; s < kOutputs; ++s) {
            if (!size.has(top + r, left + s)) continue;
            const Lanes value = out[r * kOutputs + s] + added;
            /* Like TensorFlow's: not a number stays one. */
            store(map + size.cell(image, top + r, left + s) + channel, relu ? (value < 0 ? Lanes{} : value) : value);
          }
      }
    }
  }
}

/* Squares of 6 x 6 overlap by two cells, and are summed there. Items: 16 channels of one image, which no other item writes. */
INLINE void sumToMap(const float* products, float* map, const Map& size, int64_t first, int64_t last) {
  const int64_t plane = size.tiles() * size.channels, blocks = size.channels / kLanes;
  for (int64_t item = first; item < last; ++item) {
    const int64_t image = item / blocks, channel = item % blocks * kLanes;
    for (int64_t cell = 0; cell < size.height * size.width; ++cell) store(map + size.cell(image, 0, cell) + channel, Lanes{});
    for (int64_t tile = 0; tile < size.tileRows() * size.tileColumns(); ++tile) {
      const int64_t top = tile / size.tileColumns() * kOutputs - 1, left = tile % size.tileColumns() * kOutputs - 1;
      const float* from = products + (image * size.tileRows() * size.tileColumns() + tile) * size.channels + channel;
      Lanes in[kProducts], out[kProducts];
      for (int p = 0; p < kProducts; ++p) in[p] = load(from + p * plane);
      square<kInputAdjoint>(in, out);
      for (int r = 0; r < kInputs; ++r)
        for (int s = 0; s < kInputs; ++s) {
          if (!size.has(top + r, left + s)) continue;
          float* to = map + size.cell(image, top + r, left + s) + channel;
          store(to, load(to) + out[r * kInputs + s]);
        }
    }
  }
}

/* Squares of planes of C x K values. Items: 16 values. */
template <const auto& m>
INLINE void planes(const float* from, float* to, int64_t plane, int64_t first, int64_t last) {
  constexpr int before = m.columns * m.columns, after = m.rows * m.rows;
  for (int64_t at = first * kLanes; at < last * kLanes; at += kLanes) {
    Lanes in[before], out[after];
    for (int p = 0; p < before; ++p) in[p] = load(from + p * plane + at);
    square<m>(in, out);
    for (int p = 0; p < after; ++p) store(to + p * plane + at, out[p]);
  }
}

FOR_EACH_CPU void tiles(const float* x, float* v, const Map& size, int64_t first, int64_t last) { fromMap<kInputMatrix, 1>(x, v, size, first, last); }
FOR_EACH_CPU void outputGrad(const float* dy, float* d, const Map& size, int64_t first, int64_t last) { fromMap<kOutputAdjoint, 0>(dy, d, size, first, last); }
FOR_EACH_CPU void output(const float* m, const float* bias, bool relu, float* y, const Map& size, int64_t first, int64_t last) { toMap(m, bias, relu, y, size, first, last); }
FOR_EACH_CPU void inputGrad(const float* m, float* dx, const Map& size, int64_t first, int64_t last) { sumToMap(m, dx, size, first, last); }
FOR_EACH_CPU void filter(const float* g, float* u, int64_t plane, int64_t first, int64_t last) { planes<kFilterMatrix>(g, u, plane, first, last); }
FOR_EACH_CPU void filterGrad(const float* m, float* dg, int64_t plane, int64_t first, int64_t last) { planes<kFilterAdjoint>(m, dg, plane, first, last); }

enum class Op { kTiles, kOutput, kOutputBias, kOutputGrad, kInputGrad, kFilter, kFilterGrad };

/* What an op keeps of its node: whether results below 0 become 0. */
void* create(TF_OpKernelConstruction* construction) { return new bool(settingOf(construction, "relu") != 0); }

void destroy(void* relu) { delete static_cast<bool*>(relu); }

template <Op op>
void compute(void* kernel, TF_OpKernelContext* context) {
  constexpr bool readsMap = op == Op::kTiles || op == Op::kOutputGrad;
  constexpr bool writesMap = op == Op::kOutput || op == Op::kOutputBias || op == Op::kInputGrad;
  Call call(context);
  TF_Tensor* x = call.input(0);
  const int rank = readsMap || op == Op::kFilter ? 4 : 3;
  if (TF_NumDims(x) != rank || TF_Dim(x, rank - 1) % kLanes != 0) return call.refuse("Winograd: the rank is another, or the channels are no multiple of 16");
  const float* from = dataOf(x);
  Threads& threads = Threads::shared();
  if constexpr (readsMap) {
    const Map size{TF_Dim(x, 0), TF_Dim(x, 1), TF_Dim(x, 2), TF_Dim(x, 3)};
    float* to = call.output({kProducts, size.tiles(), size.channels});
    if (to == nullptr) return;
    threads.run(size.images * size.tileRows(), [&](int64_t first, int64_t last) { (op == Op::kTiles ? tiles : outputGrad)(from, to, size, first, last); });
  } else if constexpr (writesMap) {
    TF_Tensor* like = call.input(1);
    if (TF_NumDims(like) != 4) return call.refuse("Winograd: the second input must be a map");
    const Map size{TF_Dim(like, 0), TF_Dim(like, 1), TF_Dim(like, 2), TF_Dim(x, 2)};
    if (TF_Dim(x, 0) != kProducts || TF_Dim(x, 1) != size.tiles()) return call.refuse("Winograd: the products do not fit the map");
    const float* bias = op == Op::kOutputBias ? dataOf(call.input(2)) : nullptr;
    float* to = call.output({size.images, size.height, size.width, size.channels});
    if (to == nullptr) return;
    const bool relu = *static_cast<bool*>(kernel);
    if constexpr (op == Op::kInputGrad) threads.run(size.images * size.channels / kLanes, [&](int64_t first, int64_t last) { inputGrad(from, to, size, first, last); });
    else threads.run(size.images * size.tileRows(), [&](int64_t first, int64_t last) { output(from, bias, relu, to, size, first, last); });
  } else {
    const int64_t rows = TF_Dim(x, rank - 2), columns = TF_Dim(x, rank - 1), plane = rows * columns;
    float* to = op == Op::kFilter ? call.output({kProducts, rows, columns}) : call.output({kTaps, kTaps, rows, columns});
    if (to == nullptr) return;
    threads.run(plane / kLanes, [&](int64_t first, int64_t last) { (op == Op::kFilter ? filter : filterGrad)(from, to, plane, first, last); });
  }
}

template <Op op>
void add(const char* name, std::initializer_list<const char*> inputs) {
  addOp(name, inputs, {"relu: int = 0"}, create, compute<op>, destroy);
}

}  // namespace

void addWinogradOps() {
  add<Op::kTiles>("WinogradTiles", {"map: float"});
  add<Op::kOutput>("WinogradOutput", {"products: float", "like: float"});
  add<Op::kOutputBias>("WinogradOutputBias", {"products: float", "like: float", "bias: float"});
  add<Op::kOutputGrad>("WinogradOutputGrad", {"gradient: float"});
  add<Op::kInputGrad>("WinogradInputGrad", {"products: float", "like: float"});
  add<Op::kFilter>("WinogradFilter", {"filter: float"});
  add<Op::kFilterGrad>("WinogradFilterGrad", {"products: float"});
}
