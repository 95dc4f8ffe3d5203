/** An app's theme as the design's own tokens: one accent becomes the colours that are made from it, each legible on what it stands on. */
import type { Theme } from '../api/types'

type Rgb = [number, number, number]

/** What accents stand on, in both schemes, at the least contrast. */
const surfaces: { light: Rgb; dark: Rgb } = { light: [255, 255, 255], dark: [23, 27, 30] }
const legible = 4.5
const densities = { compact: '0.9', normal: '1', roomy: '1.12' } as const

export function rgbOf(text: string): Rgb | undefined {
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text)
  return hex ? [Number.parseInt(hex[1] ?? '0', 16), Number.parseInt(hex[2] ?? '0', 16), Number.parseInt(hex[3] ?? '0', 16)] : undefined
}

function hexOf(colour: Rgb): string {
  return `#${colour.map((part) => Math.round(part).toString(16).padStart(2, '0')).join('')}`
}

function luminance(colour: Rgb): number {
  const [red, green, blue] = colour.map((part) => {
    const share = part / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  }) as Rgb
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/** From 1, the same, to 21, black on white. */
export function contrast(one: Rgb, other: Rgb): number {
  const [lighter, darker] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return ((lighter ?? 0) + 0.05) / ((darker ?? 0) + 0.05)
}

function mixed(one: Rgb, other: Rgb, share: number): Rgb {
  return one.map((part, index) => part + ((other[index] ?? 0) - part) * share) as Rgb
}

/** The colour, made darker or lighter until it can be read on a surface. */
export function legibleOn(colour: Rgb, surface: Rgb): Rgb {
  const towards: Rgb = luminance(surface) > 0.2 ? [0, 0, 0] : [255, 255, 255]
  for (let share = 0; share < 1; share += 0.05) {
    const made = mixed(colour, towards, share)
    if (contrast(made, surface) >= legible) return made
  }
  return towards
}

/** Black or white, whichever is read better on a colour. */
export function inkOn(colour: Rgb): Rgb {
  return contrast(colour, [255, 255, 255]) >= contrast(colour, [0, 0, 0]) ? [255, 255, 255] : [0, 0, 0]
}

function accentTokens(accent: Rgb): Record<string, string> {
  const scheme = (of: (surface: Rgb, accent: Rgb) => Rgb) => {
    const pair = (['light', 'dark'] as const).map((name) => hexOf(of(surfaces[name], legibleOn(accent, surfaces[name]))))
    return `light-dark(${pair.join(', ')})`
  }
  const tint = (share: number) => scheme((surface, solid) => mixed(surface, solid, share))
  const deeper = (share: number) => scheme((surface, solid) => mixed(solid, luminance(surface) > 0.2 ? [0, 0, 0] : [255, 255, 255], share))
  return {
    '--accent-1': tint(0.02),
    '--accent-2': tint(0.04),
    '--accent-3': tint(0.09),
    '--accent-4': tint(0.15),
    '--accent-5': tint(0.23),
    '--accent-6': tint(0.32),
    '--accent-7': tint(0.45),
    '--accent-8': tint(0.65),
    '--accent-9': scheme((_, solid) => solid),
    '--accent-10': deeper(0.12),
    '--accent-11': deeper(0.08),
    '--accent-12': deeper(0.55),
    '--on-accent': scheme((_, solid) => inkOn(solid)),
  }
}

/** Custom properties and the scheme, for the element around an app. Without a theme there are none. */
export function themeStyle(theme: Theme | null | undefined): Record<string, string> {
  if (!theme) return {}
  const accent = theme.accent ? rgbOf(theme.accent) : undefined
  return {
    ...(accent ? accentTokens(accent) : {}),
    ...(theme.scheme && theme.scheme !== 'auto' ? { 'color-scheme': theme.scheme } : {}),
    ...(theme.radius === undefined || theme.radius === null ? {} : { '--radius': `${theme.radius}px`, '--radius-small': `${Math.round(theme.radius * 0.66)}px`, '--radius-large': `${Math.round(theme.radius * 1.6)}px` }),
    ...(theme['font-size'] ? { '--app-text': `${theme['font-size']}px` } : {}),
    ...(theme.density && theme.density !== 'normal' ? { '--app-zoom': densities[theme.density] } : {}),
  }
}

/** Puts a theme on an element; returns what takes it off again. */
export function applyTheme(element: HTMLElement, theme: Theme | null | undefined): () => void {
  const style = themeStyle(theme)
  for (const [name, value] of Object.entries(style)) element.style.setProperty(name, value)
  return () => {
    for (const name of Object.keys(style)) element.style.removeProperty(name)
  }
}
