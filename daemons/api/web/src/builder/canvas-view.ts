/** How the canvas is looked at: which screen it stands for, and how large. It is no part of the document. */
import { useStore } from 'zustand'
import { createStore } from 'zustand/vanilla'

export type Device = 'desktop' | 'phone'

export const zooms = [50, 67, 80, 100, 125, 150] as const

interface CanvasView {
  device: Device
  /** In percent. */
  zoom: number
}

export const canvasView = createStore<CanvasView>(() => ({ device: 'desktop', zoom: 100 }))

export function useDevice(): Device {
  return useStore(canvasView, ({ device }) => device)
}

/** The next larger or smaller one; at an end it stays. */
export function zoomBy(zoom: number, by: 1 | -1): number {
  const next = by > 0 ? zooms.find((one) => one > zoom) : zooms.findLast((one) => one < zoom)
  return next ?? zoom
}
