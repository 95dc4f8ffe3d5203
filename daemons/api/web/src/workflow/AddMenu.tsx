/** The kinds of blocks that are added less often, in a menu. */
import { MenuButton, MenuGroup, MenuItem } from '../ui/MenuButton'
import { type BlockKind, kinds, moreKinds } from './blocks'

export function AddMenu({ onAdd }: { onAdd: (kind: BlockKind) => void }) {
  return (
    <MenuButton text="More…" label="More kinds of blocks" size="small">
      {moreKinds.map(([title, group]) => (
        <MenuGroup key={title} title={title}>
          {group.map((kind) => (
            <MenuItem key={kind} icon={kinds[kind].icon} onChoose={() => onAdd(kind)}>
              {kinds[kind].text}
            </MenuItem>
          ))}
        </MenuGroup>
      ))}
    </MenuButton>
  )
}
