//! Runs compiled filters in a small BPF machine, so that what is tested is what the kernel gets.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

/// Evaluates a filter as the kernel does.
fn evaluate(filter: &[Instruction], architecture: u32, number: u32, arguments: [u32; 6]) -> u32 {
    let mut accumulator = 0;
    let mut at = 0;
    loop {
        let one = filter[at];
        at += 1;
        let taken = |yes: bool| usize::from(if yes { one.jump_true } else { one.jump_false });
        match one.code {
            LOAD => {
                accumulator = match one.operand {
                    NUMBER_OFFSET => number,
                    ARCHITECTURE_OFFSET => architecture,
                    offset => arguments[((offset - ARGUMENTS_OFFSET) / 8) as usize],
                }
            }
            AND => accumulator &= one.operand,
            JUMP => at += one.operand as usize,
            IF_EQUAL => at += taken(accumulator == one.operand),
            IF_AT_LEAST => at += taken(accumulator >= one.operand),
            IF_ANY_BIT => at += taken(accumulator & one.operand != 0),
            RETURN => return one.operand,
            other => panic!("instruction {other:#x}"),
        }
    }
}

fn ask(processes: Processes, number: libc::c_long, arguments: [u32; 6]) -> u32 {
    evaluate(&compile(&rules_for(processes)), ARCHITECTURE, number as u32, arguments)
}

/// What the filter must answer, read off the rules without compiling them.
fn expected(rules: &[Rule], number: u32, arguments: [u32; 6]) -> u32 {
    let Some(rule) = rules.iter().find(|rule| rule.number as u32 == number) else {
        return if number > LAST_KNOWN_CALL { UNKNOWN } else { REFUSE };
    };
    let allowed = match rule.answer {
        Answer::Kill => return KILL_PROCESS,
        Answer::Refuse(errno) => return ERROR | errno as u32,
        Answer::Pretend => return ERROR,
        Answer::Allow => true,
        Answer::AllowIf(Check::OneOf { argument, values }) => values.contains(&arguments[argument as usize]),
        Answer::AllowIf(Check::NoneSet { argument, mask }) => arguments[argument as usize] & mask == 0,
        Answer::AllowIf(Check::AllSet { argument, mask }) => arguments[argument as usize] & mask == mask,
        Answer::AllowIf(Check::NotAllSet { argument, mask }) => arguments[argument as usize] & mask != mask,
    };
    if allowed { ALLOW } else { REFUSE }
}

#[test]
fn every_number_gets_the_answer_of_its_rule() {
    for processes in [Processes::ThreadsOnly, Processes::Allowed] {
        let rules = rules_for(processes);
        let filter = compile(&rules);
        for number in 0..LAST_KNOWN_CALL + 300 {
            let none = [0; 6];
            assert_eq!(evaluate(&filter, ARCHITECTURE, number, none), expected(&rules, number, none), "call {number}");
        }
    }
}

proptest! {
    #[test]
    fn every_argument_gets_the_answer_of_its_rule(number in 0u32..500, arguments in any::<[u32; 6]>()) {
        let rules = rules_for(Processes::ThreadsOnly);
        let answer = evaluate(&compile(&rules), ARCHITECTURE, number, arguments);
        prop_assert_eq!(answer, expected(&rules, number, arguments));
    }
}

#[test]
fn no_rule_is_redundant() {
    for processes in [Processes::ThreadsOnly, Processes::Allowed] {
        let rules = rules_for(processes);
        for (position, rule) in rules.iter().enumerate() {
            let twin = rules[position + 1..].iter().find(|other| other.number == rule.number);
            assert!(twin.is_none(), "two rules for call {}: {}", rule.number, rule.reason);
            assert_ne!(rule.answer, Answer::Refuse(libc::EPERM), "the default, said again: {}", rule.reason);

            let mut others = rules.clone();
            others.remove(position);
            assert_ne!(compile(&others), compile(&rules), "without effect: {}", rule.reason);
        }
    }
}

#[test]
fn every_rule_has_its_reason() {
    for rule in RULES {
        assert!(!rule.reason.trim().is_empty(), "call {}", rule.number);
    }
}

#[test]
fn another_architecture_is_killed() {
    let filter = compile(&rules_for(Processes::Allowed));
    let i386 = 0x4000_0003;
    assert_eq!(evaluate(&filter, i386, libc::SYS_read as u32, [0; 6]), KILL_PROCESS);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn the_x32_variant_of_a_permitted_call_is_unknown() {
    let x32 = 0x4000_0000 | libc::SYS_read;
    assert_eq!(ask(Processes::Allowed, x32, [0; 6]), UNKNOWN);
}

#[test]
fn new_namespaces_cannot_be_cloned() {
    let flags = libc::CLONE_NEWUSER as u32;
    assert_eq!(ask(Processes::Allowed, libc::SYS_clone, [flags, 0, 0, 0, 0, 0]), REFUSE);
    assert_eq!(ask(Processes::Allowed, libc::SYS_unshare, [0; 6]), KILL_PROCESS);
    // clone3 hides its flags behind a pointer that a filter cannot read.
    assert_eq!(ask(Processes::Allowed, libc::SYS_clone3, [0; 6]), UNKNOWN);
}

#[test]
fn without_processes_a_clone_must_be_a_thread() {
    let thread = (libc::CLONE_THREAD | libc::CLONE_VM | libc::CLONE_SIGHAND) as u32;
    assert_eq!(ask(Processes::ThreadsOnly, libc::SYS_clone, [thread, 0, 0, 0, 0, 0]), ALLOW);
    assert_eq!(ask(Processes::ThreadsOnly, libc::SYS_clone, [libc::SIGCHLD as u32, 0, 0, 0, 0, 0]), REFUSE);
}

/// What the kernel answers when two filters are loaded: the stricter one's word counts.
fn ask_a_forked_run(number: libc::c_long, arguments: [u32; 6]) -> u32 {
    let of_the_zygote = ask(Processes::Zygote, number, arguments);
    let of_the_run = evaluate(&compile_narrowing(), ARCHITECTURE, number as u32, arguments);
    // KILL_PROCESS is negative to the kernel, and ERRNO is below ALLOW.
    if (of_the_run as i32) < (of_the_zygote as i32) { of_the_run } else { of_the_zygote }
}

#[test]
fn a_forked_run_may_do_what_a_started_one_may_but_execute() {
    let mut answers = vec![[0; 6]];
    for first in [1, 2, 16, 59, libc::PR_SET_SECUREBITS as u32, libc::CLONE_THREAD as u32, u32::MAX] {
        answers.push([first, first, 0, 0, 0, 0]);
    }
    for number in 0..=libc::c_long::from(LAST_KNOWN_CALL) + 5 {
        for arguments in &answers {
            let wanted =
                if number == libc::SYS_execve { REFUSE } else { ask(Processes::ThreadsOnly, number, *arguments) };
            let kinds = |answer: u32| if answer & 0xffff_0000 == ERROR { ERROR } else { answer };

            let found = ask_a_forked_run(number, *arguments);

            assert_eq!(kinds(found), kinds(wanted), "call {number} with {arguments:?}");
        }
    }
}

#[test]
fn a_zygote_may_set_its_runs_up() {
    for rule in ZYGOTE_RULES {
        assert_eq!(ask(Processes::Zygote, rule.number, [0; 6]), ALLOW, "{}", rule.reason);
    }
}
