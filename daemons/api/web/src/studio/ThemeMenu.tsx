/** How the studio and apps look in this browser. */
import { Contrast, Monitor, Moon, Sun } from 'lucide-react'
import { useState } from 'react'
import { MenuButton, MenuItem } from '../ui/MenuButton'
import { type Theme, setTheme, theme, themes } from '../ui/theme'
import { message, t } from '../messages/messages'

const icons = { system: Monitor, light: Sun, dark: Moon, contrast: Contrast }
const texts = { system: message('As the system'), light: message('Light'), dark: message('Dark'), contrast: message('High contrast') } satisfies Record<Theme, string>

export function ThemeMenu() {
  const [chosen, setChosen] = useState(theme)
  return (
    <MenuButton icon={icons[chosen]} label={t('Theme')} size="small">
      {themes.map((one) => (
        <MenuItem
          key={one}
          icon={icons[one]}
          isChecked={one === chosen}
          onChoose={() => {
            setTheme(one)
            setChosen(one)
          }}
        >
          {t(texts[one])}
        </MenuItem>
      ))}
    </MenuButton>
  )
}
