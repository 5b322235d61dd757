/**
 * Convolution in groups: output channel o reads only the in / groups input channels of its group. tfjs has no such operation.
 * TensorFlow's own convolution takes the number of groups from the shapes; elsewhere each group is convolved by itself.
 */
import * as tf from '@tensorflow/tfjs';
import { isNative, at, nativeBackend, pick, registerNative, runNative, typeAttribute, type NativeAttribute, type NativeBackend } from './native.ts';

const GROUPED = 'DistillGroupedConv';

function attributes(backend: NativeBackend, { stride, padding }: Readonly<Record<string, unknown>>): NativeAttribute[] {
  const { binding } = backend;
  const step = Number(stride);
  return [
    typeAttribute(backend),
    { name: 'strides', type: binding.TF_ATTR_INT, value: [1, step, step, 1] },
    { name: 'padding', type: binding.TF_ATTR_STRING, value: padding === 'same' ? 'SAME' : 'VALID' },
    { name: 'data_format', type: binding.TF_ATTR_STRING, value: 'NHWC' },
    { name: 'use_cudnn_on_gpu', type: binding.TF_ATTR_BOOL, value: true },
    { name: 'dilations', type: binding.TF_ATTR_INT, value: [1, 1, 1, 1] },
  ];
}

registerNative({
  name: GROUPED,
  run: (backend, inputs, settings) => [backend.executeSingleOutput('Conv2D', attributes(backend, settings), [pick(inputs, 'x'), pick(inputs, 'weight')])],
  saveInputs: ['x', 'weight'],
  saveOutputs: [false],
  gradient: (dy, saved, settings) => {
    const backend = nativeBackend();
    const [x, weight] = [at(saved, 0), at(saved, 1)];
    const forms = attributes(backend, settings);
    return {
      x: backend.executeSingleOutput('Conv2DBackpropInput', forms, [tf.tensor1d(x.shape, 'int32'), weight, dy]),
      weight: backend.executeSingleOutput('Conv2DBackpropFilter', forms, [x, tf.tensor1d(weight.shape, 'int32'), dy]),
    };
  },
});

/**
 * @param x [N, H, W, C] @param weight [kernel, kernel, C / groups, C'], output channels of a group side by side
 * @returns [N, H', W', C']
 */
export function groupedConv(x: tf.Tensor4D, weight: tf.Tensor4D, groups: number, stride: number, padding: 'same' | 'valid'): tf.Tensor4D {
  const [height, width, inputs, outputs] = weight.shape;
  if (groups === 1) return tf.conv2d(x, weight, stride, padding);
  // One channel a group: what tfjs calls depthwise, of [kernel, kernel, C, 1].
  if (inputs === 1 && outputs === groups) return tf.depthwiseConv2d(x, tf.reshape(weight, [height, width, groups, 1]), stride, padding);
  if (isNative()) return at(runNative(GROUPED, { x, weight }, { stride, padding }), 0) as tf.Tensor4D;
  const weights = tf.split<tf.Tensor4D>(weight, groups, 3);
  return tf.concat(tf.split<tf.Tensor4D>(x, groups, 3).map((part, group) => tf.conv2d(part, at(weights, group), stride, padding)), 3);
}
