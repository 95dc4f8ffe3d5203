//! The seccomp filter: compiles the rules into one classic BPF program and loads it.
//!
//! The program is a binary search over system call numbers, so that its length matters neither for
//! loading nor for running. A number between two rules is refused with EPERM; one newer than the
//! newest rule's kernel gets ENOSYS, so that a C library falls back as it would on an old kernel. A
//! call of another architecture kills.

use crate::error::{AtStep, StepError};
use crate::policy::Processes;
use crate::seccomp_rules::{Answer, Check, FORKED_RULES, LAST_KNOWN_CALL, RULES, Rule, ZYGOTE_RULES};
use crate::sys;

/// One instruction of classic BPF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Instruction {
    pub(crate) code: u16,
    pub(crate) jump_true: u8,
    pub(crate) jump_false: u8,
    pub(crate) operand: u32,
}

/// The name of the step, which the self-check looks for.
pub(crate) const STEP: &str = "loading the seccomp filter";

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;

// Offsets in struct seccomp_data, little endian.
const NUMBER_OFFSET: u32 = 0;
const ARCHITECTURE_OFFSET: u32 = 4;
const ARGUMENTS_OFFSET: u32 = 16;

const LOAD: u16 = 0x20;
const AND: u16 = 0x54;
const JUMP: u16 = 0x05;
const IF_EQUAL: u16 = 0x15;
const IF_AT_LEAST: u16 = 0x35;
const IF_ANY_BIT: u16 = 0x45;
const RETURN: u16 = 0x06;

const ALLOW: u32 = 0x7fff_0000;
const KILL_PROCESS: u32 = 0x8000_0000;
const ERROR: u32 = 0x0005_0000;
const REFUSE: u32 = ERROR | libc::EPERM as u32;
const UNKNOWN: u32 = ERROR | libc::ENOSYS as u32;

/// Loads the filter for this process. It can never be taken off, only made stricter.
pub(crate) fn restrict(processes: Processes) -> Result<(), StepError> {
    sys::seccomp::load(&compile(&rules_for(processes))).at(STEP)
}

/// Loads the filter that makes a child of a zygote what any other run is, on top of the zygote's own.
pub(crate) fn narrow(filter: &[Instruction]) -> Result<(), StepError> {
    sys::seccomp::load(filter).at(STEP)
}

/// The rules that apply to runs with or without processes of their own.
pub(crate) fn rules_for(processes: Processes) -> Vec<Rule> {
    if processes == Processes::Zygote {
        let mut rules = rules_for(Processes::ThreadsOnly);
        rules.retain(|rule| ZYGOTE_RULES.iter().all(|zygotes| zygotes.number != rule.number));
        rules.extend(ZYGOTE_RULES);
        return rules;
    }
    RULES.iter().copied().filter(|rule| rule.applies.is_none_or(|wanted| wanted == processes)).collect()
}

/// The filter of [`narrow`]: short, because it is loaded for each run. It speaks only of what the zygote may do and a run
/// may not; all else is the zygote's filter to decide, which holds too.
pub(crate) fn compile_narrowing() -> Vec<Instruction> {
    let of_a_run = rules_for(Processes::ThreadsOnly);
    let mut rules: Vec<Rule> = ZYGOTE_RULES
        .iter()
        .map(|zygotes| {
            let refused = Rule { answer: Answer::Refuse(libc::EPERM), ..*zygotes };
            of_a_run.iter().find(|rule| rule.number == zygotes.number).copied().unwrap_or(refused)
        })
        .collect();
    rules.extend(FORKED_RULES);
    rules.sort_by_key(|rule| rule.number);
    let mut filter = vec![load(NUMBER_OFFSET)];
    for rule in &rules {
        let decision = decide(rule);
        let skip = decision.len() as u8;
        filter.push(Instruction { code: IF_EQUAL, jump_true: 0, jump_false: skip, operand: rule.number as u32 });
        filter.extend(decision);
    }
    filter.push(answer(ALLOW));
    filter
}

/// Compiles rules, each about another call, into a filter.
pub(crate) fn compile(rules: &[Rule]) -> Vec<Instruction> {
    let mut filter = vec![
        load(ARCHITECTURE_OFFSET),
        Instruction { code: IF_EQUAL, jump_true: 1, jump_false: 0, operand: ARCHITECTURE },
        answer(KILL_PROCESS),
        load(NUMBER_OFFSET),
    ];
    filter.extend(search(&segments(rules)));
    filter
}

/// From which call number on which code decides; neighbours with the same code are one segment.
fn segments(rules: &[Rule]) -> Vec<(u32, Vec<Instruction>)> {
    let mut sorted: Vec<(u32, &Rule)> =
        rules.iter().map(|rule| (u32::try_from(rule.number).unwrap_or(u32::MAX), rule)).collect();
    sorted.sort_by_key(|(number, _)| *number);
    let mut all = Vec::with_capacity(rules.len() * 2);
    let mut next = 0;
    for (number, rule) in sorted {
        if number > next {
            all.push((next, vec![answer(REFUSE)]));
        }
        all.push((number, decide(rule)));
        next = number + 1;
    }
    if next <= LAST_KNOWN_CALL {
        all.push((next, vec![answer(REFUSE)]));
    }
    all.push((LAST_KNOWN_CALL + 1, vec![answer(UNKNOWN)]));
    all.dedup_by(|later, earlier| later.1 == earlier.1);
    all
}

fn search(segments: &[(u32, Vec<Instruction>)]) -> Vec<Instruction> {
    match segments {
        [] => vec![answer(REFUSE)],
        [(_, code)] => code.clone(),
        _ => {
            let (below, above) = segments.split_at(segments.len() / 2);
            let below = search(below);
            // A conditional jump reaches 255 instructions only, a plain one any distance.
            let mut code = vec![
                Instruction { code: IF_AT_LEAST, jump_true: 0, jump_false: 1, operand: above[0].0 },
                Instruction { code: JUMP, jump_true: 0, jump_false: 0, operand: below.len() as u32 },
            ];
            code.extend(below);
            code.extend(search(above));
            code
        }
    }
}

fn decide(rule: &Rule) -> Vec<Instruction> {
    match rule.answer {
        Answer::Allow => vec![answer(ALLOW)],
        Answer::AllowIf(check) => check_argument(check),
        Answer::Refuse(errno) => vec![answer(ERROR | errno as u32)],
        // An error of number 0 is success.
        Answer::Pretend => vec![answer(ERROR)],
        Answer::Kill => vec![answer(KILL_PROCESS)],
    }
}

/// Code that allows or refuses by the low half of one argument. The kernel reads no more of those
/// that rules look at.
fn check_argument(check: Check) -> Vec<Instruction> {
    let verdict = [answer(REFUSE), answer(ALLOW)];
    match check {
        Check::OneOf { argument, values } => {
            let mut code = vec![load(ARGUMENTS_OFFSET + 8 * argument)];
            for (position, value) in values.iter().enumerate() {
                let to_allow = (values.len() - position) as u8;
                code.push(Instruction { code: IF_EQUAL, jump_true: to_allow, jump_false: 0, operand: *value });
            }
            code.extend(verdict);
            code
        }
        Check::NoneSet { argument, mask } => vec![
            load(ARGUMENTS_OFFSET + 8 * argument),
            Instruction { code: IF_ANY_BIT, jump_true: 0, jump_false: 1, operand: mask },
            verdict[0],
            verdict[1],
        ],
        Check::AllSet { argument, mask } => masked(argument, mask, verdict),
        Check::NotAllSet { argument, mask } => masked(argument, mask, [verdict[1], verdict[0]]),
    }
}

/// Answers `otherwise` unless all bits of the mask are set, then `every`.
fn masked(argument: u32, mask: u32, [otherwise, every]: [Instruction; 2]) -> Vec<Instruction> {
    vec![
        load(ARGUMENTS_OFFSET + 8 * argument),
        Instruction { code: AND, jump_true: 0, jump_false: 0, operand: mask },
        Instruction { code: IF_EQUAL, jump_true: 1, jump_false: 0, operand: mask },
        otherwise,
        every,
    ]
}

fn load(offset: u32) -> Instruction {
    Instruction { code: LOAD, jump_true: 0, jump_false: 0, operand: offset }
}

fn answer(value: u32) -> Instruction {
    Instruction { code: RETURN, jump_true: 0, jump_false: 0, operand: value }
}

#[cfg(test)]
#[path = "seccomp_tests.rs"]
mod tests;
