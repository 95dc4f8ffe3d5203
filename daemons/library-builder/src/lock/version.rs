//! Comparing versions as environment markers do: numbers between dots. What a marker says of an interpreter needs no more.

use std::cmp::Ordering;

/// Release numbers of a version such as `3.13.5`; `None` for one that has something else in it.
fn numbers(text: &str) -> Option<Vec<u64>> {
    let text = text.trim_end_matches('+');
    text.split('.').map(|part| part.parse().ok()).collect()
}

/// Whether `left operator right` holds; `None` if that cannot be said.
pub(super) fn holds(left: &str, operator: &str, right: &str) -> Option<bool> {
    let left = numbers(left)?;
    if let Some(prefix) = right.strip_suffix(".*") {
        let prefix = numbers(prefix)?;
        let starts = (0..prefix.len()).all(|index| left.get(index).copied().unwrap_or(0) == prefix[index]);
        return match operator {
            "==" => Some(starts),
            "!=" => Some(!starts),
            _ => None,
        };
    }
    let right = numbers(right)?;
    let order = compare(&left, &right);
    Some(match operator {
        "==" | "===" => order == Ordering::Equal,
        "!=" => order != Ordering::Equal,
        "<" => order == Ordering::Less,
        "<=" => order != Ordering::Greater,
        ">" => order == Ordering::Greater,
        ">=" => order != Ordering::Less,
        // Compatible: at least this, and the same but for the last number.
        "~=" if right.len() >= 2 => {
            let series = &right[..right.len() - 1];
            let same = (0..series.len()).all(|index| left.get(index).copied().unwrap_or(0) == series[index]);
            same && order != Ordering::Less
        }
        _ => return None,
    })
}

fn compare(left: &[u64], right: &[u64]) -> Ordering {
    let longest = left.len().max(right.len());
    let at = |numbers: &[u64], index: usize| numbers.get(index).copied().unwrap_or(0);
    let unequal = (0..longest).map(|index| at(left, index).cmp(&at(right, index))).find(|order| order.is_ne());
    unequal.unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_number_by_number() {
        for (left, operator, right, expected) in [
            ("3.10", ">", "3.9", true),
            ("3.10", "==", "3.10.0", true),
            ("3.10.4", "==", "3.10.*", true),
            ("3.1", "!=", "3.10.*", true),
            ("3.11.2", "~=", "3.11", true),
            ("3.11.2", "~=", "3.11.3", false),
            ("3.9", "<", "3.9.1", true),
        ] {
            assert_eq!(holds(left, operator, right), Some(expected), "{left} {operator} {right}");
        }
        assert_eq!(holds("3.9", ">=", "3.9rc1"), None);
    }
}
