/** Rectifier and bias with TensorFlow's own gradients: tfjs composes them of five and two operations. */
import * as tf from '@tensorflow/tfjs';
import { at, isNative, nativeBackend, pick, registerNative, runNative, typeAttribute, type NativeAttribute, type NativeBackend } from './native.ts';

const RELU = 'DistillRelu';
const BIAS = 'DistillBiasAdd';

function biasAttributes(backend: NativeBackend): NativeAttribute[] {
  return [typeAttribute(backend), { name: 'data_format', type: backend.binding.TF_ATTR_STRING, value: 'NHWC' }];
}

registerNative({
  name: RELU,
  run: (backend, inputs) => [backend.executeSingleOutput('Relu', [typeAttribute(backend)], [pick(inputs, 'x')])],
  saveInputs: [],
  saveOutputs: [true],
  gradient: (dy, saved) => {
    const backend = nativeBackend();
    return { x: backend.executeSingleOutput('ReluGrad', [typeAttribute(backend)], [dy, at(saved, 0)]) };
  },
});

registerNative({
  name: BIAS,
  run: (backend, inputs) => [backend.executeSingleOutput('BiasAdd', biasAttributes(backend), [pick(inputs, 'x'), pick(inputs, 'bias')])],
  saveInputs: [],
  saveOutputs: [false],
  gradient: (dy) => {
    const backend = nativeBackend();
    return { x: dy.clone(), bias: backend.executeSingleOutput('BiasAddGrad', biasAttributes(backend), [dy]) };
  },
});

/** max(x, 0); the gradient at 0 is 0, as in PyTorch. */
export function relu<T extends tf.Tensor>(x: T): T {
  return (isNative() ? at(runNative(RELU, { x }), 0) : tf.relu(x)) as T;
}

/** @param x [N, H, W, C] @param bias [C] */
export function addBias(x: tf.Tensor4D, bias: tf.Tensor): tf.Tensor4D {
  return (isNative() ? at(runNative(BIAS, { x, bias }), 0) : tf.add(x, bias)) as tf.Tensor4D;
}
