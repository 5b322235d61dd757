/** An SVG of ours as a PNG, twice as fine as it is large. */
const FINENESS = 2;

export async function pngOf(svg: string): Promise<ArrayBuffer | undefined> {
  const address = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [image.width * FINENESS, image.height * FINENESS];
    canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise<Blob | null>((resolve) => { canvas.toBlob(resolve, 'image/png'); });
    return await blob?.arrayBuffer();
  } finally {
    URL.revokeObjectURL(address);
  }
}
