export { state } from '../text-area/state'
