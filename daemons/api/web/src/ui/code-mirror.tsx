/** CodeMirror with our theme. Its styles carry the page's nonce; it makes no markup from text. */
import { type CompletionContext, type CompletionResult, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { javascript } from '@codemirror/lang-javascript'
import { python } from '@codemirror/lang-python'
import { PostgreSQL, sql } from '@codemirror/lang-sql'
import { HighlightStyle, bracketMatching, indentOnInput, syntaxHighlighting } from '@codemirror/language'
import { type Diagnostic, lintGutter, setDiagnostics } from '@codemirror/lint'
import { search, searchKeymap } from '@codemirror/search'
import { Compartment, EditorState, type Extension } from '@codemirror/state'
import { Decoration, EditorView, MatchDecorator, ViewPlugin, type ViewUpdate, drawSelection, highlightActiveLine, keymap, lineNumbers, placeholder } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { useEffect, useRef } from 'react'
import './editor.css'

export interface EditorFault {
  message: string
  /** 1-based line and column, or a 1-based character of the whole text. */
  line?: number
  column?: number
  position?: number
}

export interface CodeEditorProps {
  label: string
  language: 'sql' | 'javascript' | 'python' | 'json' | 'css'
  value: string
  onChange: (value: string) => void
  onRun?: () => void
  faults?: EditorFault[]
  /** Tables and their columns, for completion. */
  schema?: Record<string, string[]>
  /** Functions of the workflow, for completion after `functions.`. */
  functions?: string[]
  /** Names of the app, for completion, by what stands before the caret. */
  complete?: (before: string) => { from: number; options: { label: string; detail: string; isMethod?: boolean }[] } | undefined
  placeholderText?: string
  /** A field of a few lines in a form, without line numbers. */
  isShort?: boolean
}

const highlighting = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: 'var(--accent-11)', fontWeight: '500' },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: 'var(--green-text)' },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: 'var(--amber-text)' },
  { tag: [tags.comment, tags.lineComment, tags.blockComment], color: 'var(--text-muted)', fontStyle: 'italic' },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName)], color: 'var(--accent-12)' },
  { tag: tags.invalid, color: 'var(--red-text)' },
])

const theme = EditorView.theme({
  '&': { fontSize: '12.5px', backgroundColor: 'transparent', color: 'var(--text)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '20px', fontVariantLigatures: 'none' },
  '.cm-content': { padding: '6px 0', caretColor: 'var(--text)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--text-muted)', border: 'none' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--neutral-4) 45%, transparent)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--accent-5)' },
  '.cm-tooltip': { backgroundColor: 'var(--surface-raised)', border: '1px solid var(--border-strong)', borderRadius: '6px', boxShadow: 'var(--shadow)' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--accent-4)', color: 'var(--text)' },
  '.cm-placeholder': { color: 'var(--text-muted)' },
  '.cm-panels': { backgroundColor: 'var(--surface-raised)', color: 'var(--text)' },
})

const bindingMatcher = new MatchDecorator({ regexp: /\{\{[^]*?\}\}/g, decoration: Decoration.mark({ class: 'cm-binding' }) })
const bindings = ViewPlugin.fromClass(
  class {
    decorations
    constructor(view: EditorView) {
      this.decorations = bindingMatcher.createDeco(view)
    }
    update(update: ViewUpdate) {
      this.decorations = bindingMatcher.updateDeco(update, this.decorations)
    }
  },
  { decorations: (plugin) => plugin.decorations },
)

/**
 * Typing over a selection. Left to itself the browser keeps the look of what it replaces in a style attribute, which the page's
 * policy refuses, and reports.
 */
const typeOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { state } = view
    const { from, to, empty } = state.selection.main
    const text = event.data
    if (event.inputType !== 'insertText' || text === null || empty || event.isComposing) return false
    event.preventDefault()
    const insert = () => state.update(state.replaceSelection(text), { userEvent: 'input.type', scrollIntoView: true })
    // Closing brackets and the like see it as they see all typing.
    if (!state.facet(EditorView.inputHandler).some((handle) => handle(view, from, to, text, insert))) view.dispatch(insert())
    return true
  },
})

/** Completes the names of functions. It reads them when it is asked: they change while the editor stays. */
function functionNames(namesOf: () => string[]) {
  return (context: CompletionContext): CompletionResult | null => {
    const word = context.matchBefore(/\bfunctions\??\.\w*/)
    if (!word) return null
    return { from: word.from + word.text.lastIndexOf('.') + 1, options: namesOf().map((label) => ({ label, type: 'function' })), validFor: /^\w*$/ }
  }
}

/** Completes names of an app. In a statement the caller offers them in bindings alone. */
function appNames(completeOf: () => CodeEditorProps['complete']) {
  return (context: CompletionContext): CompletionResult | null => {
    const found = completeOf()?.(context.state.sliceDoc(Math.max(0, context.pos - 2000), context.pos))
    if (!found || (!context.explicit && !context.matchBefore(/[\w$.]$/))) return null
    const from = context.pos - Math.min(context.pos, 2000) + found.from
    return { from, options: found.options.map(({ label, detail, isMethod }) => ({ label, detail, type: isMethod ? 'method' : 'property' })), validFor: /^[\w$]*$/ }
  }
}

function languageOf({ language, schema }: Pick<CodeEditorProps, 'language' | 'schema'>): Extension {
  if (language === 'javascript' || language === 'json') return javascript()
  if (language === 'python') return python()
  if (language === 'css') return []
  return [sql({ dialect: PostgreSQL, upperCaseKeywords: false, ...(schema ? { schema } : {}) }), bindings]
}

export function CodeMirrorEditor({ label, language, value, onChange, onRun, faults, schema, functions, complete, placeholderText, isShort = false }: CodeEditorProps) {
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(null)
  const handlers = useRef({ onChange, onRun, functions, complete })
  handlers.current = { onChange, onRun, functions, complete }
  const languageSlot = useRef(new Compartment())

  useEffect(() => {
    if (!host.current) return
    const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? ''
    const run = () => {
      handlers.current.onRun?.()
      return handlers.current.onRun !== undefined
    }
    const created = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: value,
        extensions: [
          EditorView.cspNonce.of(nonce),
          keymap.of([{ key: 'Mod-Enter', run }, ...closeBracketsKeymap, ...completionKeymap, ...searchKeymap, ...historyKeymap, ...defaultKeymap, ...(isShort ? [] : [indentWithTab])]),
          history(),
          typeOver,
          drawSelection(),
          bracketMatching(),
          closeBrackets(),
          indentOnInput(),
          autocompletion(),
          search({ top: true }),
          syntaxHighlighting(highlighting),
          theme,
          isShort ? EditorView.lineWrapping : [lineNumbers(), lintGutter(), highlightActiveLine()],
          placeholderText ? placeholder(placeholderText) : [],
          EditorState.languageData.of(() => [{ autocomplete: functionNames(() => handlers.current.functions ?? []) }, { autocomplete: appNames(() => handlers.current.complete) }]),
          languageSlot.current.of(languageOf({ language, ...(schema ? { schema } : {}) })),
          EditorView.contentAttributes.of({ 'aria-label': label }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) handlers.current.onChange(update.state.doc.toString())
          }),
        ],
      }),
    })
    // What scrolls must be reachable by keyboard, whatever has the focus inside.
    created.scrollDOM.tabIndex = 0
    // Escape leaves the editor, so that Tab, which indents, is no trap for the keyboard.
    created.contentDOM.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && !event.defaultPrevented) created.contentDOM.blur()
    })
    view.current = created
    return () => created.destroy()
    // The editor is made once; what changes later is dispatched below.
  }, [])

  useEffect(() => {
    view.current?.dispatch({ effects: languageSlot.current.reconfigure(languageOf({ language, ...(schema ? { schema } : {}) })) })
  }, [language, schema])

  useEffect(() => {
    const current = view.current
    if (current && current.state.doc.toString() !== value) current.dispatch({ changes: { from: 0, to: current.state.doc.length, insert: value } })
  }, [value])

  useEffect(() => {
    const current = view.current
    if (current) current.dispatch(setDiagnostics(current.state, (faults ?? []).map((fault) => diagnosticOf(fault, current.state))))
  }, [faults])

  return <div ref={host} className={isShort ? 'editor framed short' : 'editor'} />
}

function diagnosticOf({ message, line, column, position }: EditorFault, state: EditorState): Diagnostic {
  const { doc } = state
  let from = 0
  if (position !== undefined) {
    // The server counts characters, the editor UTF-16 units.
    from = [...doc.toString()].slice(0, position - 1).join('').length
  } else if (line !== undefined) {
    const at = doc.line(Math.max(1, Math.min(doc.lines, line)))
    from = Math.min(at.to, at.from + Math.max(0, (column ?? 1) - 1))
  }
  from = Math.min(from, doc.length)
  const word = state.wordAt(from)
  const to = word && word.to > from ? word.to : doc.lineAt(from).to
  return { from, to: Math.max(from, to), severity: 'error', message }
}
