/** From latitudes and longitudes to a flat map (Web Mercator), and the outlines of countries. */
import { jsonOf, numberOf, textOf } from '../../../runtime/values'
import { type Row, column, rowsOf } from '../../rows'

export interface Spot {
  row: Row
  label: string
  tone: string
  radius: number
  /** On a world of the size 1. */
  x: number
  y: number
}

export interface View {
  /** The middle, on a world of the size 1. */
  x: number
  y: number
  /** Pixels that the world is wide. */
  scale: number
}

const steepest = 85.05

export function project(latitude: number, longitude: number): { x: number; y: number } {
  const sine = Math.sin((Math.max(-steepest, Math.min(steepest, latitude)) * Math.PI) / 180)
  return { x: longitude / 360 + 0.5, y: 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI) }
}

export function spotsOf(data: unknown, read: (property: string) => unknown): Spot[] {
  const rows = rowsOf(data).slice(0, 5000)
  const keys = { lat: column(rows, read('lat-key'), ['lat', 'latitude']), lon: column(rows, read('lon-key'), ['lon', 'lng', 'longitude']), label: column(rows, read('label-key'), ['label', 'name', 'title']), tone: column(rows, read('tone-key'), ['tone']), size: textOf(read('size-key')) }
  const largest = keys.size === '' ? 1 : Math.max(1e-9, ...rows.map((row) => numberOf(row[keys.size]) ?? 0))
  return rows.flatMap((row) => {
    const [latitude, longitude] = [numberOf(row[keys.lat]), numberOf(row[keys.lon])]
    if (latitude === null || longitude === null || Math.abs(latitude) > 90 || Math.abs(longitude) > 180) return []
    const share = keys.size === '' ? 0 : Math.max(0, numberOf(row[keys.size]) ?? 0) / largest
    return [{ row, label: textOf(row[keys.label]) || `${latitude}, ${longitude}`, tone: textOf(row[keys.tone]), radius: keys.size === '' ? 7 : 5 + 18 * Math.sqrt(share), ...project(latitude, longitude) }]
  })
}

/** A view with all spots in it; the world when there are none. */
export function fitted(spots: { x: number; y: number }[], size: { width: number; height: number }): View {
  const world = Math.max(size.width, 1)
  if (spots.length === 0) return { x: 0.5, y: 0.42, scale: world }
  const [xs, ys] = [spots.map((spot) => spot.x), spots.map((spot) => spot.y)]
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]
  const margin = 56
  const scale = Math.min((size.width - 2 * margin) / Math.max(right - left, 1e-6), (size.height - 2 * margin) / Math.max(bottom - top, 1e-6), world * 24)
  return { x: (left + right) / 2, y: (top + bottom) / 2, scale: Math.max(world * 0.6, scale) }
}

type Ring = { x: number; y: number }[]

/** What TopoJSON has of arcs: whole numbers, each the difference to the one before. */
interface Topology {
  transform: { scale: [number, number]; translate: [number, number] }
  arcs: [number, number][][]
  objects: Record<string, { geometries: { type: string; arcs: number[][] | number[][][] }[] }>
}

/** The outlines of countries as one path, on a world of the size 1000. */
export function outline(topology: Topology, object: string): string {
  const { scale, translate } = topology.transform
  const arcs = topology.arcs.map((arc) => {
    let [x, y] = [0, 0]
    return arc.map(([dx, dy]) => {
      x += dx
      y += dy
      return project(y * scale[1] + translate[1], x * scale[0] + translate[0])
    })
  })
  const ring = (indexes: number[]): Ring =>
    indexes.flatMap((index, at) => {
      const arc = index < 0 ? (arcs[~index] ?? []).toReversed() : (arcs[index] ?? [])
      return at === 0 ? arc : arc.slice(1)
    })
  const polygons = (topology.objects[object]?.geometries ?? []).flatMap(({ type, arcs: own }) => (type === 'Polygon' ? [own as number[][]] : type === 'MultiPolygon' ? (own as number[][][]) : []))
  return polygons.flatMap((polygon) => polygon.map((indexes) => pathOf(ring(indexes), true))).join('')
}

function pathOf(ring: Ring, isClosed: boolean): string {
  if (ring.length === 0) return ''
  return `M${ring.map(({ x, y }) => `${(x * 1000).toFixed(2)} ${(y * 1000).toFixed(2)}`).join('L')}${isClosed ? 'Z' : ''}`
}

/** GeoJSON as areas and lines; its points come with the places. */
export function shapesOf(given: unknown): { area: string; line: string } {
  const shapes = { area: '', line: '' }
  const at = (point: unknown) => (Array.isArray(point) ? project(numberOf(point[1]) ?? 0, numberOf(point[0]) ?? 0) : project(0, 0))
  const ring = (points: unknown): Ring => (Array.isArray(points) ? points.slice(0, 20_000).map(at) : [])
  const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
  const walk = (value: unknown, depth: number) => {
    if (typeof value !== 'object' || value === null || depth > 6) return
    const { type, coordinates, geometry, geometries, features } = value as Record<string, unknown>
    if (type === 'Polygon') shapes.area += list(coordinates).map((one) => pathOf(ring(one), true)).join('')
    else if (type === 'MultiPolygon') shapes.area += list(coordinates).flatMap((one) => list(one).map((inner) => pathOf(ring(inner), true))).join('')
    else if (type === 'LineString') shapes.line += pathOf(ring(coordinates), false)
    else if (type === 'MultiLineString') shapes.line += list(coordinates).map((one) => pathOf(ring(one), false)).join('')
    for (const inner of [geometry, ...list(geometries), ...list(features).slice(0, 5000)]) walk(inner, depth + 1)
  }
  walk(jsonOf(given), 0)
  return shapes
}
