/*
 * Ops for TensorFlow that turn a convolution into one matrix product: `UnfoldMap` puts what each window reads into a row,
 * [N, H, W, C] -> [N H' W', size size C], and `FoldMap` is its transpose, the sum of rows over the map. They pay where a map is
 * small and its filter large: oneDNN's convolutions turn the filter round at every call, which takes longer than the products.
 */
#include <cstring>
#include "op.h"
#include "ops.h"
#include "parallel.h"

namespace {

/* Windows of size x size cells, `stride` apart, on a map with `margin` cells of zeros around; the map's sides for `FoldMap`. */
struct Windows {
  int64_t size, stride, margin, height, width;
  int64_t along(int64_t cells) const { return (cells + 2 * margin - size) / stride + 1; }
};

void* create(TF_OpKernelConstruction* construction) {
  return new Windows{settingOf(construction, "size"), settingOf(construction, "stride"), settingOf(construction, "margin"), settingOf(construction, "height"), settingOf(construction, "width")};
}

void destroy(void* windows) { delete static_cast<Windows*>(windows); }

struct Map {
  int64_t images, height, width, channels;
};

/* Calls `each(cell of the map or -1 beyond it, values before it in the rows)` for all that one image's windows read. */
template <typename Each>
void forEachRead(const Windows& windows, const Map& map, int64_t image, const Each& each) {
  const int64_t rows = windows.along(map.height), columns = windows.along(map.width);
  int64_t at = image * rows * columns * windows.size * windows.size * map.channels;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column)
      for (int64_t r = 0; r < windows.size; ++r)
        for (int64_t s = 0; s < windows.size; ++s, at += map.channels) {
          const int64_t y = row * windows.stride + r - windows.margin, x = column * windows.stride + s - windows.margin;
          const bool inside = y >= 0 && y < map.height && x >= 0 && x < map.width;
          each(inside ? ((image * map.height + y) * map.width + x) * map.channels : -1, at);
        }
}

void unfold(void* kernel, TF_OpKernelContext* context) {
  const Windows& windows = *static_cast<Windows*>(kernel);
  Call call(context);
  TF_Tensor* x = call.input(0);
  if (TF_NumDims(x) != 4) return call.refuse("UnfoldMap: not a map");
  const Map map{TF_Dim(x, 0), TF_Dim(x, 1), TF_Dim(x, 2), TF_Dim(x, 3)};
  const float* from = dataOf(x);
  float* to = call.output({map.images * windows.along(map.height) * windows.along(map.width), windows.size * windows.size * map.channels});
  if (to == nullptr) return;
  const size_t bytes = sizeof(float) * static_cast<size_t>(map.channels);
  Threads::shared().run(map.images, [&](int64_t first, int64_t last) {
    for (int64_t image = first; image < last; ++image)
      forEachRead(windows, map, image, [&](int64_t cell, int64_t at) {
        if (cell < 0) memset(to + at, 0, bytes);
        else memcpy(to + at, from + cell, bytes);
      });
  });
}

void fold(void* kernel, TF_OpKernelContext* context) {
  const Windows& windows = *static_cast<Windows*>(kernel);
  Call call(context);
  TF_Tensor* rows = call.input(0);
  const int64_t each = windows.along(windows.height) * windows.along(windows.width), reads = windows.size * windows.size;
  if (TF_NumDims(rows) != 2 || TF_Dim(rows, 0) % each != 0 || TF_Dim(rows, 1) % reads != 0) return call.refuse("FoldMap: the rows do not fit the map");
  const Map map{TF_Dim(rows, 0) / each, windows.height, windows.width, TF_Dim(rows, 1) / reads};
  const float* from = dataOf(rows);
  float* to = call.output({map.images, map.height, map.width, map.channels});
  if (to == nullptr) return;
  const int64_t image = map.height * map.width * map.channels;
  Threads::shared().run(map.images, [&](int64_t first, int64_t last) {
    memset(to + first * image, 0, sizeof(float) * static_cast<size_t>((last - first) * image));
    for (int64_t index = first; index < last; ++index)
      forEachRead(windows, map, index, [&](int64_t cell, int64_t at) {
        if (cell < 0) return;
        for (int64_t channel = 0; channel < map.channels; ++channel) to[cell + channel] += from[at + channel];
      });
  });
}

}  // namespace

void addUnfoldOps() {
  addOp("UnfoldMap", {"map: float"}, {"size: int", "stride: int", "margin: int", "height: int = 0", "width: int = 0"}, create, unfold, destroy);
  addOp("FoldMap", {"rows: float"}, {"size: int", "stride: int", "margin: int", "height: int", "width: int"}, create, fold, destroy);
}
