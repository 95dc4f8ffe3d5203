import { describe, expect, it } from 'vitest'
import { contrast, inkOn, legibleOn, rgbOf, themeStyle } from '../src/components/theme'

const white: [number, number, number] = [255, 255, 255]

describe('a theme', () => {
  it('has no tokens where nothing is chosen', () => {
    expect([themeStyle(undefined), themeStyle(null), themeStyle({})]).toEqual([{}, {}, {}])
  })

  it('takes nothing for a colour that is none', () => {
    for (const accent of ['red', '#fff', 'url(x)', '#12345g', '#1234567']) expect(themeStyle({ accent }), accent).toEqual({})
  })

  it('is legible with every accent, in both schemes', () => {
    for (let hue = 0; hue < 4096; hue += 37) {
      const accent = rgbOf(`#${hue.toString(16).padStart(3, '0').replace(/./g, '$&$&')}`)
      if (!accent) throw new Error('no colour')
      for (const surface of [white, [23, 27, 30]] as [number, number, number][]) {
        const solid = legibleOn(accent, surface)
        expect(contrast(solid, surface)).toBeGreaterThanOrEqual(4.5)
        expect(contrast(solid, inkOn(solid))).toBeGreaterThanOrEqual(4.5)
      }
    }
  })

  it('keeps an accent that can be read as it is', () => {
    expect(themeStyle({ accent: '#076c92' })['--accent-9']).toMatch(/^light-dark\(#076c92, #/)
  })

  it('sets corners, letters, room and scheme', () => {
    expect(themeStyle({ radius: 0, 'font-size': 16, density: 'compact', scheme: 'dark' })).toEqual({ '--radius': '0px', '--radius-small': '0px', '--radius-large': '0px', '--app-text': '16px', '--app-zoom': '0.9', 'color-scheme': 'dark' })
  })
})
