/** What some browsers have for reading codes (Shape Detection API); TypeScript does not know it. */
interface DetectedBarcode {
  rawValue: string
  format: string
}

interface Detector {
  detect: (source: ImageBitmapSource) => Promise<DetectedBarcode[]>
}

interface DetectorClass {
  new (options?: { formats: string[] }): Detector
  getSupportedFormats: () => Promise<string[]>
}

/** A reader of the formats that are asked for and known; nothing where the browser reads no codes. */
export async function detectorFor(wanted: string): Promise<Detector | undefined> {
  const Detection = (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector
  if (!Detection) return undefined
  try {
    const known = await Detection.getSupportedFormats()
    const asked = wanted
      .split(',')
      .map((format) => format.trim())
      .filter((format) => known.includes(format))
    const formats = asked.length > 0 ? asked : known
    return formats.length === 0 ? undefined : new Detection({ formats })
  } catch {
    return undefined
  }
}
