/** Lines of a pen on a field of 600 by 200, and the picture of them. */

export type Stroke = [x: number, y: number][]

const [width, height] = [600, 200]

/** Through the middles between the points, so that no corner shows. */
export function pathOf(stroke: Stroke): string {
  const [first, ...rest] = stroke
  if (!first) return ''
  const at = ([x, y]: [number, number]) => `${x.toFixed(1)} ${y.toFixed(1)}`
  // A dot.
  if (rest.length === 0) return `M${at(first)}l0.1 0`
  let path = `M${at(first)}`
  rest.forEach((point, index) => {
    const next = rest[index + 1]
    path += next ? `Q${at(point)} ${at([(point[0] + next[0]) / 2, (point[1] + next[1]) / 2])}` : `L${at(point)}`
  })
  return path
}

/** A PNG picture in base64; empty when there is nothing on it. */
export async function drawn(strokes: Stroke[], text: string): Promise<string> {
  if (strokes.length === 0 && text.trim() === '') return ''
  const canvas = document.createElement('canvas')
  canvas.width = width
  canvas.height = height
  const context = canvas.getContext('2d')
  if (!context) return ''
  context.lineWidth = 3
  context.lineCap = 'round'
  context.lineJoin = 'round'
  for (const stroke of strokes) context.stroke(new Path2D(pathOf(stroke)))
  context.font = 'italic 44px cursive'
  if (text) context.fillText(text, 36, 148, width - 72)
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'))
  if (!blob) return ''
  const bytes = new Uint8Array(await blob.arrayBuffer())
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}
