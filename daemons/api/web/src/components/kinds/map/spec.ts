import { MapPinned } from 'lucide-react'
import { type KindSpec, longText, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Display',
  text: message('Map'),
  icon: MapPinned,
  baseName: 'map',
  size: { width: 14, height: 11 },
  properties: [
    longText('data', 'Places', 'Rows with lat and lon: {{ query1.rows }}.'),
    text('lat-key', 'Column of latitudes'),
    text('lon-key', 'Column of longitudes'),
    text('label-key', 'Column of labels'),
    text('tone-key', 'Column of colours'),
    text('size-key', 'Column of sizes', 'A number: the area of the mark.'),
    longText('shapes', 'Shapes', 'GeoJSON: areas and lines below the places.'),
    text('latitude', 'Middle: latitude'),
    text('longitude', 'Middle: longitude'),
    text('zoom', 'Zoom', '0 is the world, 6 a region; what fits when left out.'),
    text('label', 'Name', 'For those who cannot see it.'),
  ],
  events: [['select', 'When a place is chosen']],
  methods: [
    { name: 'clearSelection', text: 'Choose nothing' },
    {
      name: 'centerOn',
      text: 'Move to a place',
      parameters: [
        { name: 'latitude', label: 'Latitude' },
        { name: 'longitude', label: 'Longitude' },
        { name: 'zoom', label: 'Zoom', hint: '0 is the world, 6 a region; as it is when left out.' },
      ],
    },
    { name: 'fit', text: 'Show all as at first' },
  ],
  exposes: 'selected, the row of the place that was chosen last, or null',
  starts: { data: '{{ [{ name: \'Lyon\', lat: 45.76, lon: 4.84 }, { name: \'Gdańsk\', lat: 54.35, lon: 18.65 }] }}' },
}
