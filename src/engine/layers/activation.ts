/** Rectifiers and bias with TensorFlow's own gradients: tfjs composes them of five and two operations. */
import * as tf from '@tensorflow/tfjs';
import { withGradient } from '../ops/gradient.ts';
import { at, isNative, nativeBackend, pick, registerNative, runNative, typeAttribute, type NativeAttribute, type NativeBackend } from './native.ts';

const RELU = 'DistillRelu';
const RELU6 = 'DistillRelu6';
const BIAS = 'DistillBiasAdd';

function biasAttributes(backend: NativeBackend): NativeAttribute[] {
  return [typeAttribute(backend), { name: 'data_format', type: backend.binding.TF_ATTR_STRING, value: 'NHWC' }];
}

for (const [name, operation] of [[RELU, 'Relu'], [RELU6, 'Relu6']] as const) {
  registerNative({
    name,
    run: (backend, inputs) => [backend.executeSingleOutput(operation, [typeAttribute(backend)], [pick(inputs, 'x')])],
    saveInputs: [],
    saveOutputs: [true],
    gradient: (dy, saved) => {
      const backend = nativeBackend();
      return { x: backend.executeSingleOutput(`${operation}Grad`, [typeAttribute(backend)], [dy, at(saved, 0)]) };
    },
  });
}

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

/** min(max(x, 0), 6); the gradient at 0 and at 6 is 0, as in PyTorch (tfjs's own is 1 at 6). */
export function relu6<T extends tf.Tensor>(x: T): T {
  if (isNative()) return at(runNative(RELU6, { x }), 0) as T;
  return withGradient<T>([x], () => {
    const value = tf.relu6(x);
    return { value, saved: [value] };
  }, (gradient, saved) => {
    const value = at(saved, 0);
    return [tf.mul(gradient, tf.cast(tf.logicalAnd(tf.greater(value, 0), tf.less(value, 6)), 'float32'))];
  });
}

/** @param x [N, H, W, C] @param bias [C] */
export function addBias(x: tf.Tensor4D, bias: tf.Tensor): tf.Tensor4D {
  return (isNative() ? at(runNative(BIAS, { x, bias }), 0) : tf.add(x, bias)) as tf.Tensor4D;
}
