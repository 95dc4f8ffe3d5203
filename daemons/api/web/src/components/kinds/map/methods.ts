import type { Methods } from '../../../runtime/methods'

export const methods: Methods = {
  centerOn: { parameters: ['latitude', 'longitude', 'zoom'], run: ({ tell }, latitude, longitude, zoom) => tell('centerOn', latitude, longitude, zoom) },
  fit: { parameters: [], run: ({ tell }) => tell('fit') },
}
