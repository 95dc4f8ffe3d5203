export { state } from '../number-input/state'
