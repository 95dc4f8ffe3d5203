declare module 'virtual:worker/*' {
  /** The bundled text of the worker. */
  const source: string
  export default source
}
