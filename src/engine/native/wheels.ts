/** Which wheels make an engine, and what of them is kept. */

/** Tried with the addon's sources of tfjs-node 4.22; a newer one needs a look at both. */
export const tensorflowVersion = '2.21.0';

/** Whether a file of TensorFlow's wheel stays: the two libraries (all file name forms of Linux and macOS) and the notices. */
export function isLibrary(name: string): boolean {
  return /^tensorflow\/libtensorflow_(cc|framework)\b[^/]*$/.test(name) || /(^|\/)(THIRD_PARTY_NOTICES[^/]*|LICENSE)$/.test(name);
}

/** Headers that the addon and our own ops include, directly or not. */
export function isHeader(name: string): boolean {
  return /^tensorflow\/include\/(.*\/)?(tensorflow\/c|tensorflow\/core\/platform|tensorflow\/core\/common_runtime\/next_pluggable_device\/c|tsl|xla\/tsl)\//.test(name);
}

/** What runs of NVIDIA's wheels: shared libraries, the assembler and the device library that kernels are finished with. */
export function isCuda(name: string): boolean {
  return (
    /^nvidia\/[^/]+\/lib\/[^/]+\.so(\.\d+)*$/.test(name) ||
    /^nvidia\/cuda_nvcc\/(bin\/(ptxas|nvlink)|nvvm\/libdevice\/[^/]+\.bc)$/.test(name) ||
    /\.dist-info\/(licenses\/)?License\.txt$/.test(name)
  );
}

/** Requirements of TensorFlow's extra `and-cuda`, read from the wheel's own METADATA so that versions fit it. */
export function cudaRequirements(metadata: string): string[] {
  return metadata
    .split('\n')
    .map((line) => /^Requires-Dist: ([^;]+);\s*extra == ["']and-cuda["']\s*$/.exec(line.trim())?.[1])
    .filter((requirement) => requirement !== undefined)
    .map((requirement) => requirement.replace(/[\s()]/g, ''));
}
