/** A QR code or barcode, read by the camera, from a picture, by a hand scanner or typed. */
import { Camera, CameraOff, ImageUp } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { flagOf, textOf } from '../../../runtime/values'
import { Button } from '../../../ui/Button'
import { InputField, useInput } from '../../input'
import { type ViewProps, useRuntime } from '../../runtime-context'
import { message, t } from '../../../messages/messages'
import { detectorFor } from './detector'

const pauseMs = 150
const noReader = message('This browser reads no codes. Type it, or use a hand scanner.')

export function View(props: ViewProps) {
  const runtime = useRuntime()
  const input = useInput<string>(props)
  const video = useRef<HTMLVideoElement>(null)
  const picture = useRef<HTMLInputElement>(null)
  const [isOn, setOn] = useState(false)
  const [note, setNote] = useState('')
  const formats = textOf(input.read('formats'))
  const goesOn = flagOf(input.read('continuous'))
  const take = (value: string, format: string | null) => {
    runtime.setComponent(props.name, { value, format })
    void runtime.trigger(props.name, 'change')
    void runtime.trigger(props.name, 'scan')
  }
  const taken = useRef(take)
  taken.current = take

  useEffect(() => {
    if (!isOn) return
    let stream: MediaStream | undefined
    let isOver = false
    const run = async () => {
      const detector = await detectorFor(formats)
      if (!detector) return setNote(t(noReader))
      if (!navigator.mediaDevices) return setNote(t('The camera works over HTTPS alone.'))
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' }, audio: false })
      const element = video.current
      if (isOver || !element) return
      element.srcObject = stream
      await element.play()
      let last = ''
      while (!isOver) {
        const [found] = element.readyState >= 2 ? await detector.detect(element) : []
        if (isOver) return
        if (found && found.rawValue !== last) {
          last = found.rawValue
          taken.current(found.rawValue, found.format)
          if (!goesOn) return setOn(false)
        }
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
      }
    }
    run()
      .catch((error: unknown) => setNote(error instanceof DOMException && error.name === 'NotAllowedError' ? t('The camera may not be used: allow it in the browser, then try again.') : t('There is no camera that can be used.')))
      .finally(() => {
        if (!isOver && !stream) setOn(false)
      })
    return () => {
      isOver = true
      for (const track of stream?.getTracks() ?? []) track.stop()
    }
  }, [isOn, formats, goesOn])

  const readPicture = async (file: File | undefined) => {
    if (!file) return
    setNote('')
    const detector = await detectorFor(formats)
    if (!detector) return setNote(t(noReader))
    try {
      const image = await createImageBitmap(file)
      const [found] = await detector.detect(image)
      if (found) take(found.rawValue, found.format)
      else setNote(t('No code was found in the picture.'))
    } catch {
      setNote(t('This is no picture that can be read.'))
    }
  }
  return (
    <InputField input={input}>
      <div className="app-scanner-line">
        <input
          {...input.control}
          className="input"
          type="text"
          autoComplete="off"
          spellCheck={false}
          value={input.value}
          onChange={(event) => runtime.setComponent(props.name, { value: event.target.value, format: null })}
          onBlur={input.leave}
          onKeyDown={(event) => {
            // A hand scanner types the code and then Enter.
            if (event.key !== 'Enter' || input.value === '') return
            event.preventDefault()
            take(input.value, null)
          }}
        />
        <Button
          icon={isOn ? CameraOff : Camera}
          label={isOn ? t('Stop the camera') : t('Read with the camera')}
          disabled={input.isDisabled}
          onClick={() => {
            setNote('')
            setOn(!isOn)
          }}
        />
        <Button icon={ImageUp} label={t('Read from a picture')} disabled={input.isDisabled} onClick={() => picture.current?.click()} />
        <input
          ref={picture}
          type="file"
          hidden
          accept="image/*"
          aria-label={t('Picture with a code')}
          onChange={(event) => {
            void readPicture(event.target.files?.[0])
            event.target.value = ''
          }}
        />
      </div>
      {isOn ? <video ref={video} className="app-scanner-view" muted playsInline aria-label={t('What the camera sees')} /> : null}
      {note ? (
        <p className="hint" role="status">
          {note}
        </p>
      ) : null}
    </InputField>
  )
}
