/* The little that our ops need of TensorFlow's C interface (`tensorflow/c/kernels.h`, `ops.h`). */
#pragma once
#include <cstdint>
#include <initializer_list>
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_tensor.h"

/* The tensors of one call; let go of at its end. */
class Call {
 public:
  explicit Call(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {}
  ~Call() {
    for (TF_Tensor* tensor : held_)
      if (tensor != nullptr) TF_DeleteTensor(tensor);
    TF_DeleteStatus(status_);
  }

  TF_Tensor* input(int index) {
    TF_GetInput(context_, index, &held_[index], status_);
    return held_[index];
  }

  /* Null, and the step fails, where there is no memory. */
  float* output(std::initializer_list<int64_t> shape) {
    size_t bytes = sizeof(float);
    for (const int64_t size : shape) bytes *= static_cast<size_t>(size);
    held_[kMost] = TF_AllocateOutput(context_, 0, TF_FLOAT, shape.begin(), static_cast<int>(shape.size()), bytes, status_);
    if (held_[kMost] != nullptr) return static_cast<float*>(TF_TensorData(held_[kMost]));
    TF_OpKernelContext_Failure(context_, status_);
    return nullptr;
  }

  /* An op that was given what it is not for fails, and with it the step. */
  void refuse(const char* why) {
    TF_SetStatus(status_, TF_INVALID_ARGUMENT, why);
    TF_OpKernelContext_Failure(context_, status_);
  }

 private:
  static constexpr int kMost = 3;
  TF_OpKernelContext* context_;
  TF_Status* status_;
  TF_Tensor* held_[kMost + 1] = {};
};

inline const float* dataOf(TF_Tensor* tensor) { return static_cast<const float*>(TF_TensorData(tensor)); }

/* TensorFlow's optimiser does without: the graph pass that writes these ops has the shapes. */
inline void unknownShape(TF_ShapeInferenceContext* context, TF_Status* status) { TF_ShapeInferenceContextSetUnknownShape(context, status); }

/* Makes an op of `float` inputs, one `float` result and settings known, for CPUs. `create` reads the settings of one node. */
inline void addOp(const char* name, std::initializer_list<const char*> inputs, std::initializer_list<const char*> settings, void* (*create)(TF_OpKernelConstruction*),
                  void (*compute)(void*, TF_OpKernelContext*), void (*destroy)(void*)) {
  TF_Status* status = TF_NewStatus();
  TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder(name);
  for (const char* input : inputs) TF_OpDefinitionBuilderAddInput(definition, input);
  TF_OpDefinitionBuilderAddOutput(definition, "result: float");
  for (const char* setting : settings) TF_OpDefinitionBuilderAddAttr(definition, setting);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(definition, unknownShape);
  TF_RegisterOpDefinition(definition, status);
  if (TF_GetCode(status) == TF_OK) TF_RegisterKernelBuilder(name, TF_NewKernelBuilder(name, "CPU", create, compute, destroy), status);
  TF_DeleteStatus(status);
}

inline int settingOf(TF_OpKernelConstruction* construction, const char* name) {
  TF_Status* status = TF_NewStatus();
  int32_t value = 0;
  TF_OpKernelConstruction_GetAttrInt32(construction, name, &value, status);
  TF_DeleteStatus(status);
  return value;
}
