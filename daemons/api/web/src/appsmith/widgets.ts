/** Widgets of Appsmith as kinds of components: which, and what becomes of their properties. */
import type { Json } from './source'

/** A property of ours, from one of theirs. */
interface From {
  to: string
  from: string
  /** How the value changes; as it is when absent. Nothing leaves the property out. */
  as?: (value: unknown, of: Json) => unknown
}

interface Mapping {
  /** The first that this version has is taken. */
  kinds: readonly string[]
  properties: readonly From[]
  /** Our event, by theirs. */
  events?: Readonly<Record<string, string>>
  /** What differs, where the kind is the nearest and not the same. */
  note?: string
}

const given = (to: string, from: string, as?: From['as']): From => ({ to, from, ...(as ? { as } : {}) })
const label = [given('label', 'label'), given('label', 'labelText')]
const flagOf = (value: unknown) => (value === false || value === '' || value === undefined ? undefined : value)
const disabled = given('disabled', 'isDisabled', flagOf)
const required = given('required', 'isRequired', flagOf)
const placeholder = given('placeholder', 'placeholderText')
const hint = given('hint', 'tooltip')
const asText = (value: unknown) => (value === undefined || value === null || value === '' ? undefined : String(value))
const input = [...label, placeholder, hint, required, disabled]
const changes = { onTextChanged: 'change', onOptionChange: 'change', onSelectionChange: 'change', onChange: 'change', onCheckChange: 'change', onDateSelected: 'change', onSubmit: 'submit', onFilesSelected: 'change' }
const options = [given('options', 'options', optionsAs), given('options', 'sourceData', optionsAs), given('label-key', 'optionLabel'), given('value-key', 'optionValue')]

/** A list as it is; a text that holds one, too. */
function optionsAs(value: unknown): unknown {
  if (typeof value !== 'string') return Array.isArray(value) ? value : undefined
  if (value.includes('{{')) return value
  try {
    const parsed: unknown = JSON.parse(value)
    return Array.isArray(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}

/** Columns that were made for a table, in their order, those that are seen. */
function columnsAs(value: unknown, of: Json): unknown {
  const columns = Object.values((typeof value === 'object' && value !== null ? value : {}) as Record<string, Json>)
  const order = Array.isArray(of.columnOrder) ? of.columnOrder : []
  const at = (column: Json) => (order.includes(column.id) ? order.indexOf(column.id) : order.length + Number(column.index ?? 0))
  const shown = columns.filter((column) => column.isVisible !== false && column.isDerived !== true && typeof (column.alias ?? column.id) === 'string').sort((a, b) => at(a) - at(b))
  const listed = shown.map((column) => ({ key: String(column.originalId ?? column.alias ?? column.id), ...(typeof column.label === 'string' && column.label !== '' && !column.label.includes('{{') ? { label: column.label } : {}) }))
  return listed.length > 0 ? listed : undefined
}

const table: Mapping = { kinds: ['table'], properties: [given('data', 'tableData'), given('columns', 'primaryColumns', columnsAs)], events: { onRowSelected: 'row-select' } }
const text: Mapping = { kinds: ['text'], properties: [given('value', 'text'), given('style', 'textStyle', (value) => (value === 'HEADING' ? 'heading' : undefined)), given('style', 'fontSize', (value) => (/^(1\.[5-9]|[2-9])|HEADING/.test(String(value)) ? 'heading' : undefined))] }
const button: Mapping = { kinds: ['button'], properties: [given('label', 'text'), given('variant', 'buttonVariant', (value) => (value === 'PRIMARY' || value === undefined ? 'primary' : undefined)), disabled], events: { onClick: 'click' } }
const select: Mapping = { kinds: ['select'], properties: [...input, ...options, given('default-value', 'defaultOptionValue')], events: changes }
const number = [...input, given('default-value', 'defaultText', asText), given('min', 'minNum', asText), given('max', 'maxNum', asText)]
const date = (kinds: readonly string[]): Mapping => ({ kinds, properties: [...label, hint, required, disabled, given('default-value', 'defaultDate', asText)], events: changes })
const textInput: Mapping = { kinds: ['text-input'], properties: [...input, given('default-value', 'defaultText', asText), given('max-length', 'maxChars', asText)], events: changes }

const mappings: Record<string, Mapping> = {
  TABLE_WIDGET: table,
  TABLE_WIDGET_V2: table,
  TEXT_WIDGET: text,
  BUTTON_WIDGET: button,
  FORM_BUTTON_WIDGET: button,
  ICON_BUTTON_WIDGET: { ...button, properties: [given('label', 'iconName', (value) => (value === 'cross' ? 'Close' : asText(value)?.replaceAll('-', ' '))), disabled], note: 'a button with words in the place of its icon' },
  ICON_WIDGET: { ...button, properties: [given('label', 'iconName', (value) => (value === 'cross' ? 'Close' : asText(value)?.replaceAll('-', ' ')))], note: 'a button with words in the place of its icon' },
  INPUT_WIDGET: textInput,
  INPUT_WIDGET_V2: textInput,
  PHONE_INPUT_WIDGET: { ...textInput, kinds: ['phone', 'phone-input', 'text-input'] },
  CURRENCY_INPUT_WIDGET: { kinds: ['currency', 'currency-input', 'number-input'], properties: [...number, given('currency', 'defaultCurrencyCode', asText), given('decimals', 'decimals', asText)], events: changes },
  RICH_TEXT_EDITOR_WIDGET: { ...textInput, kinds: ['rich-text', 'text-area'] },
  SELECT_WIDGET: select,
  DROP_DOWN_WIDGET: select,
  SINGLE_SELECT_TREE_WIDGET: { ...select, note: 'a select without levels: options below others are left out' },
  MULTI_SELECT_WIDGET: { ...select, kinds: ['multiselect'], properties: [...input, ...options, given('default-value', 'defaultOptionValue')] },
  MULTI_SELECT_WIDGET_V2: { ...select, kinds: ['multiselect'], properties: [...input, ...options, given('default-value', 'defaultOptionValue')] },
  RADIO_GROUP_WIDGET: { kinds: ['radio'], properties: [...label, hint, required, disabled, ...options, given('default-value', 'defaultOptionValue'), given('direction', 'isInline', (value) => (value === true ? 'row' : undefined))], events: changes },
  CHECKBOX_GROUP_WIDGET: { kinds: ['checkbox-group', 'multiselect'], properties: [...label, hint, required, disabled, ...options, given('default-value', 'defaultSelectedValues')], events: changes },
  CHECKBOX_WIDGET: { kinds: ['checkbox'], properties: [...label, required, disabled, given('default-value', 'defaultCheckedState', flagOf)], events: changes },
  SWITCH_WIDGET: { kinds: ['switch'], properties: [...label, disabled, given('default-value', 'defaultSwitchState', flagOf)], events: changes },
  DATE_PICKER_WIDGET: date(['datetime']),
  DATE_PICKER_WIDGET2: date(['datetime']),
  FILE_PICKER_WIDGET: { kinds: ['file-picker'], properties: [...label, required, disabled], events: changes },
  FILE_PICKER_WIDGET_V2: { kinds: ['file-picker'], properties: [...label, required, disabled], events: changes },
  IMAGE_WIDGET: { kinds: ['image'], properties: [given('src', 'image'), given('fit', 'objectFit', (value) => (value === 'cover' ? 'cover' : undefined))], note: 'an image of another server is shown only where the app may load from there' },
  DIVIDER_WIDGET: { kinds: ['divider'], properties: [] },
  PROGRESS_WIDGET: { kinds: ['progress'], properties: [given('value', 'progress', asText)] },
  PROGRESSBAR_WIDGET: { kinds: ['progress'], properties: [given('value', 'progress', asText)] },
  STATBOX_WIDGET: { kinds: ['container'], properties: [] },
  CONTAINER_WIDGET: { kinds: ['container'], properties: [given('framed', 'containerStyle', (value) => (value === 'none' ? false : undefined))] },
  FORM_WIDGET: { kinds: ['container'], properties: [], note: 'a container: a form here has a button of its own, and its inputs are sent with it' },
  TABS_WIDGET: { kinds: ['tabs'], properties: [given('tabs', 'tabsObj', tabsAs)], events: { onTabSelected: 'change' } },
  MODAL_WIDGET: { kinds: ['modal'], properties: [], events: { onClose: 'close' } },
  LIST_WIDGET: { kinds: ['list', 'list-view', 'container'], properties: [given('data', 'listData')], note: 'what stands in it is there once: bind its data anew' },
  LIST_WIDGET_V2: { kinds: ['list', 'list-view', 'container'], properties: [given('data', 'listData')], note: 'what stands in it is there once: bind its data anew' },
  CATEGORY_SLIDER_WIDGET: { ...select, kinds: ['select'], note: 'a select in the place of a slider' },
  NUMBER_SLIDER_WIDGET: { kinds: ['slider', 'number-input'], properties: [...label, given('default-value', 'defaultValue', asText), given('min', 'min', asText), given('max', 'max', asText), given('step', 'step', asText)], events: changes },
  RATE_WIDGET: { kinds: ['rating', 'number-input'], properties: [...label, given('default-value', 'defaultRate', asText), given('max', 'maxCount', asText)], events: changes },
  BUTTON_GROUP_WIDGET: { kinds: ['button-group'], properties: [] },
  CHART_WIDGET: { kinds: ['chart'], properties: [] },
  IFRAME_WIDGET: { kinds: ['iframe'], properties: [given('src', 'source')] },
  JSON_FORM_WIDGET: { kinds: ['json-form', 'json-schema-form'], properties: [] },
  CODE_SCANNER_WIDGET: { kinds: ['scanner', 'code-scanner'], properties: [...label] },
}

/** Tabs in their order; what stands in one names its label. */
function tabsAs(value: unknown): unknown {
  const tabs = Object.values((typeof value === 'object' && value !== null ? value : {}) as Record<string, Json>)
  const listed = tabs.filter((tab) => tab.isVisible !== false && typeof tab.label === 'string').sort((a, b) => Number(a.index ?? 0) - Number(b.index ?? 0))
  return listed.length > 0 ? listed.map((tab) => ({ value: tab.label, label: tab.label })) : undefined
}

/** The inputs of one type that are other kinds here. */
function kindsOfInput(of: Json): readonly string[] | undefined {
  switch (of.inputType) {
    case 'NUMBER':
    case 'INTEGER':
      return ['number-input']
    case 'EMAIL':
      return ['email', 'email-input', 'text-input']
    case 'PASSWORD':
      return ['password', 'password-input', 'text-input']
    case 'MULTI_LINE_TEXT':
      return ['text-area']
  }
  return undefined
}

export interface Mapped {
  kind: string
  properties: Json
  events: Readonly<Record<string, string>>
  note: string | undefined
}

/** What a widget becomes; nothing where no kind comes near it. */
export function mappedWidget(type: string, of: Json, known: Record<string, { properties: readonly { key: string }[]; events: readonly (readonly [string, string])[] }>): Mapped | undefined {
  const mapping = mappings[type]
  const kinds = (type.startsWith('INPUT_WIDGET') ? kindsOfInput(of) : undefined) ?? mapping?.kinds ?? []
  const isDay = type.startsWith('DATE_PICKER') && typeof of.dateFormat === 'string' && !/[Hhm]/.test(of.dateFormat)
  const kind = isDay ? 'date' : kinds.find((one) => one in known)
  const spec = kind === undefined ? undefined : known[kind]
  if (!mapping || kind === undefined || !spec) return undefined
  const has = new Set(spec.properties.map(({ key }) => key))
  const properties: Json = {}
  for (const { to, from, as } of mapping.properties) {
    if (!has.has(to) || !(from in of) || properties[to] !== undefined) continue
    const value = as ? as(of[from], of) : of[from]
    if (value !== undefined && value !== null && value !== '') properties[to] = value
  }
  // A label that is not said would be the component's own.
  if (has.has('label') && properties.label === undefined) properties.label = ''
  if (of.isVisible === false) properties.hidden = true
  if (typeof of.isVisible === 'string' && of.isVisible.includes('{{')) properties.hidden = of.isVisible.replace(/^\s*\{\{([\s\S]*)\}\}\s*$/, '{{ !($1) }}')
  const events = Object.fromEntries(Object.entries(mapping.events ?? {}).filter(([, own]) => spec.events.some(([event]) => event === own)))
  const isOther = kind !== mapping.kinds[0] && mapping.kinds.length > 1
  return { kind, properties, events, note: mapping.note ?? (isOther ? `a ${kind.replaceAll('-', ' ')}, the nearest that there is` : undefined) }
}
