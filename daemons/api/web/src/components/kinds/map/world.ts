/** The outlines of the world's countries. They arrive when a page has a map. */
import topology from 'world-atlas/countries-110m.json'
import { outline } from './geometry'

export const world = outline(topology as unknown as Parameters<typeof outline>[0], 'countries')
