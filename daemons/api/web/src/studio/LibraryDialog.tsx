/** Adds a set of libraries, or replaces what it is built from: a lock file, dropped, chosen or pasted. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, dataOf } from '../api/client'
import { ApiProblem } from '../api/problem'
import type { Language, LibrarySet } from '../api/types'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { SelectField, TextAreaField, TextField } from '../ui/Field'
import { FileDrop } from '../ui/FileDrop'
import { ErrorNotice } from '../ui/states'
import { languageNames, languageOfFile, modulesIn } from './library-sets'

const lockFiles: Record<Language, { name: string; hint: string }> = {
  javascript: { name: 'package-lock.json', hint: 'As npm 7 or later writes it; each package needs its integrity hash.' },
  python: { name: 'requirements.txt', hint: 'With hashes: pip-compile --generate-hashes, or uv pip compile --generate-hashes.' },
}

export function LibraryDialog({ set, onClose }: { set?: LibrarySet; onClose: () => void }) {
  const queryClient = useQueryClient()
  const stored = useQuery({
    queryKey: ['library-sets', set?.name],
    queryFn: () => dataOf(api.GET('/api/v1/library-sets/{name}', { params: { path: { name: set?.name ?? '' } } })),
    enabled: set !== undefined,
  }).data
  const [name, setName] = useState('')
  const [chosenLanguage, setLanguage] = useState<Language>('python')
  const [typedLock, setLock] = useState<string>()
  const [typedPreload, setPreload] = useState<string>()
  const language = set?.language ?? chosenLanguage
  const lock = typedLock ?? stored?.lock ?? ''
  const preload = typedPreload ?? stored?.preload.join(', ') ?? ''
  const save = useMutation({
    meta: { showsError: true },
    mutationFn: async () => {
      const body = { lock, preload: modulesIn(preload) }
      if (set) await api.PUT('/api/v1/library-sets/{name}', { params: { path: { name: set.name } }, body })
      else await api.POST('/api/v1/library-sets', { body: { name, language, ...body } })
    },
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['library-sets'] })
      onClose()
    },
  })
  const faults = save.error instanceof ApiProblem ? save.error.faults : []
  const faultOf = (path: string) => faults.find((fault) => fault.path === path || fault.path.startsWith(`${path}.`))?.message
  const isAtField = faults.length > 0 && faults.every(({ path }) => path === 'lock' || path.startsWith('preload'))
  const file = lockFiles[language]
  return (
    <Dialog
      title={set ? `Replace ${set.name}` : 'Add libraries'}
      isWide
      onClose={onClose}
      onSubmit={() => save.mutate()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" disabled={lock.trim() === '' || (!set && name === '')} isBusy={save.isPending}>
            {set ? 'Replace and build' : 'Add and build'}
          </Button>
        </>
      }
    >
      {isAtField ? null : <ErrorNotice error={save.error} />}
      {set ? (
        <p>Workflows use what is built now until the new build works.</p>
      ) : (
        <div className="form-grid">
          <TextField label="Name" hint="A letter, then letters, digits or _." placeholder="science" className="mono" required autoFocus maxLength={63} value={name} onChange={(event) => setName(event.target.value)} />
          <SelectField
            label="Language"
            value={language}
            options={(Object.keys(languageNames) as Language[]).map((key) => [key, languageNames[key]] as const)}
            onChange={(event) => setLanguage(event.target.value as Language)}
          />
        </div>
      )}
      <FileDrop
        label={`Drop ${file.name} here`}
        accept=".json,.txt,.lock"
        onText={(text, fileName) => {
          setLock(text)
          const told = languageOfFile(fileName)
          if (told && !set) setLanguage(told)
        }}
      />
      <TextAreaField label={file.name} className="mono lock-text" rows={8} required placeholder="or paste its text" hint={file.hint} error={faultOf('lock')} value={lock} onChange={(event) => setLock(event.target.value)} />
      <TextField
        label="Import ahead"
        className="mono"
        placeholder={language === 'python' ? 'numpy, pandas' : 'lodash, date-fns'}
        hint="Modules that take long to import. They are imported once, before any run; may stay empty."
        error={faultOf('preload')}
        value={preload}
        onChange={(event) => setPreload(event.target.value)}
      />
    </Dialog>
  )
}
