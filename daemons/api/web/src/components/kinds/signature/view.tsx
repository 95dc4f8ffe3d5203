/** A signature: drawn, or written by keyboard. */
import { Eraser } from 'lucide-react'
import { type PointerEvent, useEffect, useRef, useState } from 'react'
import { Button } from '../../../ui/Button'
import { InputGroup, useInput } from '../../input'
import type { ViewProps } from '../../runtime-context'
import type { PickedFile } from '../file-picker/files'
import { t } from '../../../messages/messages'
import { type Stroke, drawn, pathOf } from './strokes'

export function View(props: ViewProps) {
  const input = useInput<PickedFile | null>(props)
  const pad = useRef<SVGSVGElement>(null)
  const [strokes, setStrokes] = useState<Stroke[]>([])
  const [written, setWritten] = useState('')
  const isDrawing = useRef(false)
  const isEmpty = input.value === null
  useEffect(() => {
    // Taken back by a reset, or by an action.
    if (!isEmpty || isDrawing.current) return
    setStrokes([])
    setWritten('')
  }, [isEmpty])
  const at = (event: PointerEvent): [number, number] => {
    const { left, top, width, height } = event.currentTarget.getBoundingClientRect()
    return [((event.clientX - left) / width) * 600, ((event.clientY - top) / height) * 200]
  }
  const hold = async (lines: Stroke[], text: string) => {
    const base64 = await drawn(lines, text)
    input.set(base64 === '' ? null : { name: 'signature.png', type: 'image/png', size: Math.floor((base64.length * 3) / 4), base64 })
    input.leave()
  }
  const end = () => {
    if (!isDrawing.current) return
    isDrawing.current = false
    void hold(strokes, written)
  }
  const clear = () => {
    setStrokes([])
    setWritten('')
    input.set(null)
  }
  return (
    <InputGroup input={input}>
      <div className={input.problem === undefined ? 'app-signature' : 'app-signature is-invalid'} aria-disabled={input.isDisabled || undefined}>
        <svg
          ref={pad}
          viewBox="0 0 600 200"
          preserveAspectRatio="none"
          role="img"
          aria-label={isEmpty ? t('Nothing is signed yet') : t('Signed')}
          onPointerDown={(event) => {
            if (input.isDisabled || event.button !== 0) return
            event.currentTarget.setPointerCapture(event.pointerId)
            isDrawing.current = true
            setStrokes((now) => [...now, [at(event)]])
          }}
          onPointerMove={(event) => {
            if (!isDrawing.current) return
            const point = at(event)
            setStrokes((now) => [...now.slice(0, -1), [...(now.at(-1) ?? []), point]])
          }}
          onPointerUp={end}
          onPointerCancel={end}
        >
          <line className="app-signature-line" x1="24" y1="160" x2="576" y2="160" />
          {written ? (
            <text className="app-signature-text" x="36" y="148">
              {written}
            </text>
          ) : null}
          {strokes.map((stroke, index) => (
            <path key={index} className="app-signature-stroke" d={pathOf(stroke)} />
          ))}
        </svg>
        <div className="app-signature-foot">
          <input
            className="input"
            type="text"
            aria-label={t('Sign by writing your name')}
            aria-invalid={input.control['aria-invalid']}
            aria-describedby={input.control['aria-describedby']}
            placeholder={t('Or write your name')}
            autoComplete="name"
            maxLength={60}
            disabled={input.isDisabled}
            value={written}
            onChange={(event) => {
              setWritten(event.target.value)
              void hold(strokes, event.target.value)
            }}
          />
          <Button variant="ghost" icon={Eraser} label={t('Start again')} disabled={input.isDisabled || isEmpty} onClick={clear} />
        </div>
      </div>
    </InputGroup>
  )
}
