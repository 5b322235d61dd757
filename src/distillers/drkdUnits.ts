/** DRKD's two relation units: a small graph of the cells of a map, and attention among the objects of an image. */
import * as tf from '@tensorflow/tfjs';
import { constant, zeros } from '../engine/layers/init.ts';
import { linear, type RowLayer } from '../engine/layers/linear.ts';
import { type Parameters } from '../engine/parameters.ts';
import { asPlaces } from './shared/maps.ts';

/** G(x): the map with what its cells learn of each other, [N, H, W, C]. */
export type GraphUnit = (x: tf.Tensor4D) => tf.Tensor4D;

const NORM_EPSILON = 1e-4;

/** A graph of `nodes` nodes with twice as many states (Chen et al., "Graph-Based Global Reasoning Networks", 2019). */
export function graphUnit(parameters: Parameters, name: string, { channels, nodes, average }: { readonly channels: number; readonly nodes: number; readonly average: boolean }): GraphUnit {
  const states = 2 * nodes;
  const layer = (part: string, from: number, to: number, bias = true): RowLayer => linear(parameters, `${name}.${part}`, { in: from, out: to, bias });
  const [state, project] = [layer('state', channels, states), layer('project', channels, nodes)];
  const [amongNodes, amongStates, extend] = [layer('nodes', nodes, nodes), layer('states', states, states, false), layer('extend', states, channels, false)];
  const norm = batchNormRows(parameters, `${name}.norm`, channels);
  return (x) => {
    const cells = asPlaces(x);
    const assigned = project(cells) as tf.Tensor3D;
    // V, [N, S, K]: each node's states, summed over the cells that are assigned to it.
    const collected = tf.matMul(state(cells), assigned, true, false);
    const given = average ? tf.mul(collected, 1 / cells.shape[1]) : collected;
    const related = tf.relu(tf.add(amongNodes(given), given));
    const spread = extend(amongStates(tf.transpose(related, [0, 2, 1]))) as tf.Tensor3D;
    return tf.add(x, tf.reshape<tf.Rank.R4>(norm(tf.matMul(assigned, spread)), x.shape));
  };
}

/** Batch norm by the statistics of the batch, in training and outside: these units never leave the training. */
function batchNormRows(parameters: Parameters, name: string, channels: number): RowLayer {
  const scale = parameters.create(`${name}.weight`, [channels], constant(1));
  const shift = parameters.create(`${name}.bias`, [channels], zeros);
  return (x) => {
    const rows = tf.reshape<tf.Rank.R2>(x, [x.size / channels, channels]);
    const centred = tf.sub(rows, tf.mean(rows, 0, true));
    const normed = tf.mul(centred, tf.rsqrt(tf.add(tf.mean(tf.square(centred), 0, true), NORM_EPSILON)));
    return tf.reshape<tf.Rank>(tf.add(tf.mul(normed, scale), shift), x.shape);
  };
}

export interface Related {
  /** A: how much of each other object an object takes, [N, R, R]; rows of objects sum to 1, columns of empty slots are 0. */
  readonly attention: tf.Tensor3D;
  /** Objects' features with what they took, [N, R, D]. */
  readonly features: tf.Tensor3D;
}

/** @param objects [N, R, D] @param filled [N, R] */
export type RelationUnit = (objects: tf.Tensor3D, filled: tf.Tensor2D) => Related;

/** @param slots R where a filter with constant weights is wanted */
export function relationUnit(parameters: Parameters, name: string, width: number, slots: number | undefined): RelationUnit {
  const half = Math.max(1, Math.floor(width / 2));
  const layer = (part: string, from: number, to: number): RowLayer => linear(parameters, `${name}.${part}`, { in: from, out: to });
  const [theta, phi, value, back] = [layer('theta', width, half), layer('phi', width, half), layer('g', width, half), layer('w', half, width)];
  const filter = slots === undefined ? undefined : linear(parameters, `${name}.filter`, { in: width, out: slots, trainable: false });
  return (objects, filled) => {
    // Far below any score: an empty slot gets exactly 0.
    const absent = tf.mul(tf.sub(1, tf.expandDims(filled, 1)), -1e9);
    const amongObjects = (scores: tf.Tensor): tf.Tensor3D => tf.softmax(tf.add<tf.Tensor3D>(scores, absent));
    const scores = tf.matMul(theta(objects), phi(objects), false, true);
    const attention = amongObjects(filter === undefined ? scores : tf.mul(scores, amongObjects(filter(objects))));
    return { attention, features: tf.add(back(tf.matMul(attention, value(objects))), objects) };
  };
}
