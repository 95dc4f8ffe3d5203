/** The kinds of components as the builder offers them: properties, events, and what a new one starts with. */
import { Heading1, RectangleHorizontal, Table2, TextCursorInput } from 'lucide-react'
import type { Component, ComponentKind } from '../api/types'
import type { IconType } from '../ui/icons'

export type PropertyInput = { kind: 'text'; isLong?: boolean } | { kind: 'choice'; options: readonly (readonly [string, string])[] } | { kind: 'columns' }

export interface PropertySpec {
  key: string
  label: string
  hint?: string
  input: PropertyInput
}

export interface KindSpec {
  text: string
  icon: IconType
  baseName: string
  size: { width: number; height: number }
  properties: PropertySpec[]
  events: readonly (readonly [string, string])[]
  exposes: string
  make: () => Component
}

const text: PropertyInput = { kind: 'text' }

export const componentKinds: Record<ComponentKind, KindSpec> = {
  text: {
    text: 'Text',
    icon: Heading1,
    baseName: 'text',
    size: { width: 12, height: 1 },
    properties: [
      { key: 'value', label: 'Value', input: { kind: 'text', isLong: true } },
      {
        key: 'style',
        label: 'Style',
        input: {
          kind: 'choice',
          options: [
            ['body', 'Body'],
            ['heading', 'Heading'],
            ['muted', 'Muted'],
          ],
        },
      },
    ],
    events: [],
    exposes: 'value',
    make: () => ({ type: 'text', properties: { value: 'Some text', style: 'body' } }),
  },
  'text-input': {
    text: 'Text input',
    icon: TextCursorInput,
    baseName: 'input',
    size: { width: 8, height: 2 },
    properties: [
      { key: 'label', label: 'Label', input: text },
      { key: 'placeholder', label: 'Placeholder', input: text },
      { key: 'default-value', label: 'Default value', hint: 'What it holds until somebody types.', input: text },
    ],
    events: [
      ['change', 'When its text changes'],
      ['submit', 'When Enter is pressed'],
    ],
    exposes: 'value',
    make: () => ({ type: 'text-input', properties: { label: 'Label' } }),
  },
  button: {
    text: 'Button',
    icon: RectangleHorizontal,
    baseName: 'button',
    size: { width: 4, height: 1 },
    properties: [
      { key: 'label', label: 'Label', input: text },
      {
        key: 'variant',
        label: 'Look',
        input: {
          kind: 'choice',
          options: [
            ['primary', 'Primary'],
            ['secondary', 'Secondary'],
            ['danger', 'Danger'],
          ],
        },
      },
      { key: 'disabled', label: 'Disabled', hint: 'An expression such as {{ !customers.selectedRow }}.', input: text },
    ],
    events: [['click', 'When it is pressed']],
    exposes: 'nothing',
    make: () => ({ type: 'button', properties: { label: 'Button', variant: 'secondary' } }),
  },
  table: {
    text: 'Table',
    icon: Table2,
    baseName: 'table',
    size: { width: 24, height: 9 },
    properties: [
      { key: 'data', label: 'Data', hint: 'Rows of a query: {{ query1.rows }}.', input: { kind: 'text', isLong: true } },
      { key: 'columns', label: 'Columns', input: { kind: 'columns' } },
      { key: 'empty-text', label: 'Text when empty', input: text },
    ],
    events: [['row-select', 'When a row is selected']],
    exposes: 'selectedRow, selectedIndex',
    make: () => ({ type: 'table', properties: { data: '' } }),
  },
}
