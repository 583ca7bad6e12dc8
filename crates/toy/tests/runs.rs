//! The toy runs: through the same former, IR, lowering, code memory, forgetting, faults and
//! signals as AArch64.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]
#![allow(clippy::cast_possible_truncation, reason = "fields of a few bits")]

mod machine;

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use armistice_toy::Toy;
use armistice_toy::lift::{AMID, TURNED};
use armistice_toy::state::State;
use engine::thread::attention::{Block, SIGNAL};
use engine::thread::handlers;
use engine::translator::vcpu::Vcpu;
use guest::memory::{Fault, FaultKind};
use guest::{Exception, Guest};
use ir::{Key, Mode};
use machine::words::*;
use machine::{CODE, DATA, Heads, Machine, View, data, seen};

/// Runs a program both ways, and gives what both end with.
fn same(machine: &mut Machine, at: u64, code: &[u16], before: &State) -> (State, Exception) {
    machine.world.write(at, code);
    let mut expected = State {
        pc: at,
        ..before.clone()
    };
    let words = || (0..16).map(|n| data(n).load(Ordering::Relaxed));
    let memory: Vec<u64> = words().collect();
    let exception = machine.interpret(&mut expected);
    let memory_after: Vec<u64> = words().collect();
    for (n, &word) in memory.iter().enumerate() {
        data(n as u64).store(word, Ordering::Relaxed);
    }
    machine.vcpu.cpu = before.clone();
    assert_eq!(machine.run(at), exception, "{code:x?}");
    assert_eq!(seen(&machine.vcpu.cpu), seen(&expected), "{code:x?}");
    assert_eq!(words().collect::<Vec<_>>(), memory_after, "{code:x?}");
    (expected, exception)
}

fn program(parts: &[&[u16]]) -> Vec<u16> {
    parts.concat()
}

/// A loop that calls a function, at addresses that are no multiples of 4.
fn calling_loop() -> Vec<u16> {
    program(&[
        &set(1, 1000),
        &set(3, 1),
        &set(2, 0),
        // At 6: the loop.
        &link(5),
        &[sub(1, 1, 3), branch(NE, -3), stop(7)],
        // At 11: the function.
        &[add(2, 2, 1), jump(14)],
    ])
}

#[test]
fn loops_calls_and_returns_at_halfwords() {
    for (mut machine, at) in [
        (Machine::eager as fn() -> Machine, CODE),
        (Machine::eager, CODE + 2),
        (Machine::cold, CODE + 2),
    ]
    .map(|(make, at)| (make, at))
    .into_iter()
    .map(|(make, at)| (make(), at))
    {
        let (after, exception) = same(&mut machine, at, &calling_loop(), &State::default());
        assert_eq!(exception, Exception::Breakpoint(7));
        assert_eq!(after.r[2], 500_500);
        assert!(!machine.heads.0.is_empty());
    }
}

#[test]
fn an_instruction_means_another_thing_in_another_mode() {
    let mut machine = Machine::eager();
    let code = program(&[
        &set(1, 100),
        &set(3, 1),
        // At 4: the function in both modes, and alone in one.
        &link(12),
        &[TURN],
        &link(9),
        &[TURN],
        &link(6),
        &[sub(1, 1, 3), branch(NE, -9), stop(0)],
        &[stop(1)],
        // At 16: the function.
        &[step(4, 3), jump(14)],
    ]);
    assert_eq!(code.len(), 18);
    let (after, _) = same(&mut machine, CODE, &code, &State::default());
    assert_eq!(after.r[4], 300);
    for mode in [Mode::PLAIN, TURNED] {
        let pc = CODE + 32;
        assert!(machine.heads.0.contains(&Key { pc, mode }), "{mode:?}");
    }
}

#[test]
fn a_condition_goes_along_and_flags_are_set_apart() {
    let mut machine = Machine::eager();
    let code = program(&[
        &set(1, 5),
        &set(2, 7),
        // 7 - 5: C, and neither N nor Z; then Z from AND, beside C.
        &[sub(3, 2, 1), and(0, 0, 0), where_(EQ, 4)],
        &[add(4, 1, 2), step(5, 9), count(6, 2)],
        &set(7, 77),
        &[where_(NE, 2), add(8, 1, 2), step(9, 1)],
        &[where_(CS, 1), add(10, 1, 1), stop(0)],
    ]);
    let (after, _) = same(&mut machine, CODE, &code, &State::default());
    assert_eq!(after.r[4..11], [12, 9, 3, 77, 0, 0, 10]);
    assert_eq!(after.flags.nzcv(), 0b0110);
}

/// Slots above 31, in registers and in memory, whatever is the last of them; lists of
/// vector slots, of which each half has its own.
#[test]
fn a_guest_has_more_registers_than_aarch64() {
    let code = program(&[
        &set(1, DATA as u32),
        &far(40, 1, 2),
        &far(47, 40, 40),
        &far(3, 47, 32),
        &many(62, 40, 4),
        &many(30, 40, 3),
        &xor(35, 63, 33),
        &xor(0, 62, 31),
        &[stop(0)],
    ]);
    for make in [Machine::eager as fn() -> Machine, Machine::cold] {
        let mut machine = make();
        for n in 0..8 {
            data(n).store(n + 1, Ordering::Relaxed);
        }
        let mut before = State::default();
        before.r[32] = 5;
        let (after, exception) = same(&mut machine, CODE, &code, &before);
        assert_eq!(exception, Exception::Breakpoint(0));
        assert_eq!((after.r[47], after.r[3]), (2 * DATA, 2 * DATA + 5));
        let word = |n: u128| (n + 1) << 64 | n;
        assert_eq!(after.v[62..], [word(1), word(3)]);
        assert_eq!(after.v[32..34], [word(5), word(7)]);
        assert_eq!((after.v[31], after.v[35]), (word(3), word(3) ^ word(7)));
        // V0 was the third of the list from 30 on, and then V62 ^ V31.
        assert_eq!(after.v[0], word(1) ^ word(3));
    }
}

#[test]
fn code_entered_amid_a_run_is_done_by_what_the_state_says() {
    let mut machine = Machine::eager();
    let code = [where_(EQ, 3), step(1, 1), call(5), step(2, 1), stop(0)];
    // The call ends translated code with an instruction of the run to come.
    for nzcv in [0, 4] {
        let before = State {
            flags: guest::Flags::from_nzcv(nzcv),
            ..State::default()
        };
        let (after, _) = same(&mut machine, CODE, &code, &before);
        let done = u64::from(nzcv == 4);
        assert_eq!(after.r[1..3], [done, done]);
    }
    let amid = |key: &Key| key.mode.has(AMID);
    assert!(machine.heads.0.iter().any(amid), "{:?}", machine.heads.0);
}

#[test]
fn a_run_goes_on_where_code_was_translated_without_one() {
    let mut machine = Machine::eager();
    let code = [step(1, 1), stop(0)];
    same(&mut machine, CODE + 2, &code, &State::default());
    let (after, _) = same(
        &mut machine,
        CODE,
        &[where_(EQ, 1), step(1, 1), stop(0)],
        &State::default(),
    );
    assert_eq!(after.r[1], 0);
}

/// Numbers that look random.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u16 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n) as u16
    }

    fn instruction(&mut self, left: u64) -> Vec<u16> {
        let (d, a, b) = (self.below(8), self.below(8), self.below(8));
        match self.below(15) {
            0 => vec![add(d, a, b)],
            1 | 2 => vec![sub(d, a, b)],
            3 => vec![and(d, a, b)],
            4 => vec![step(d, self.below(256))],
            5 => vec![count(d, a)],
            6 => vec![load(d, 8, self.below(16))],
            7 => vec![store(d, 8, self.below(16))],
            8 => vec![where_(self.below(16), 1 + self.below(7))],
            9 => vec![TURN],
            // 40 has the data's address.
            12 => far(self.below(40), self.below(48), self.below(48)).to_vec(),
            13 => xor(self.below(64), self.below(64), self.below(64)).to_vec(),
            14 => many(self.below(64), 40, 1 + self.below(4)).to_vec(),
            10 => set(d, u32::from(self.below(1 << 16)) << 8 | u32::from(d)).to_vec(),
            // Forward, within what is left of the program.
            _ => vec![branch(self.below(16), (1 + self.below(left)) as i8)],
        }
    }
}

#[test]
fn random_programs_do_what_the_interpreter_does() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for make in [Machine::eager, Machine::cold] {
        let mut machine = make();
        for _ in 0..500 {
            let mut code = Vec::new();
            while code.len() < 40 {
                let instruction = random.instruction(40 - code.len() as u64);
                code.extend(instruction);
            }
            // A branch may lead into the second half of a long one: what that is, is
            // the same for both.
            code.extend([stop(1); 10]);
            let mut before = State::default();
            for r in &mut before.r[..8] {
                *r = random.0.rotate_left(u32::from(random.below(64)));
            }
            before.r[8] = DATA;
            before.r[40] = DATA;
            for v in &mut before.v {
                *v = u128::from(random.below(256)) << random.below(120);
            }
            before.flags = guest::Flags::from_nzcv(random.below(16) as u8);
            same(&mut machine, CODE, &code, &before);
        }
        assert!(machine.heads.0.iter().any(|key| key.mode.has(TURNED)));
    }
}

#[test]
fn a_fault_finds_the_state_before_its_instruction() {
    for code in [
        vec![step(1, 1), sub(2, 1, 3), load(4, 5, 0), step(1, 1), stop(0)],
        vec![sub(2, 1, 3), store(4, 5, 1), stop(0)],
        // Amid a run.
        vec![
            sub(2, 1, 1),
            where_(EQ, 3),
            step(1, 1),
            load(4, 5, 0),
            step(1, 1),
            stop(0),
        ],
    ] {
        let mut machine = Machine::eager();
        let mut before = State::default();
        before.r[5] = DATA - 0x1000;
        let (_, exception) = same(&mut machine, CODE, &code, &before);
        let fault = |exception| match exception {
            Exception::Fault(Fault { kind, .. }) => Some(kind),
            _ => None,
        };
        assert_eq!(fault(exception), Some(FaultKind::Translation), "{code:x?}");
    }
}

#[test]
fn the_last_instruction_of_memory_may_be_short() {
    let mut machine = Machine::eager();
    let at = CODE + 0x4000 - 4;
    let (_, exception) = same(&mut machine, at, &[step(1, 1), stop(3)], &State::default());
    assert_eq!(exception, Exception::Breakpoint(3));
    // A long one would end behind it.
    let [first, _] = set(1, 1);
    let (after, exception) = same(&mut machine, at, &[step(1, 1), first], &State::default());
    assert!(matches!(exception, Exception::Fault(fault) if fault.address == at + 4));
    assert_eq!(after.pc, at + 2);
}

#[test]
fn an_odd_address_is_no_instruction() {
    let mut machine = Machine::eager();
    for address in [CODE + 1, 1, 3] {
        let expected = Exception::Fault(Fault {
            address,
            kind: FaultKind::Alignment,
            write: false,
        });
        assert_eq!(machine.run(address), expected);
    }
}

/// Nor is an entry of the table of targets that nothing was written to.
#[test]
fn a_target_that_nothing_is_at_is_found_nowhere() {
    let mut machine = Machine::eager();
    machine.world.write(CODE, &[jump(1)]);
    for target in 0..8 {
        machine.vcpu.cpu.r[1] = target;
        let expected = Exception::Fault(Fault {
            address: target & !1,
            kind: FaultKind::Translation,
            write: false,
        });
        assert_eq!(machine.run(CODE), expected);
        assert_eq!(u64::from(machine.vcpu.cpu.turned), target & 1);
        machine.vcpu.cpu.turned = 0;
    }
}

/// Functions of both modes are called by turns, and each comes back in the mode that its
/// caller has put into R14: all is found in the table of targets.
#[test]
fn a_jump_goes_on_in_the_mode_that_its_target_tells() {
    let at = |halfword: u64| CODE + 2 * halfword;
    let (plain, turned) = (at(21), at(23));
    let register = |d, value: u64| set(d, value as u32);
    let code = program(&[
        &set(1, 1000),
        &set(3, 1),
        &register(5, plain),
        &register(6, turned | 1),
        // At 8, the loop: a function, and back to 11.
        &register(14, at(11)),
        &[jump(5)],
        // Another one, and back to 14, turned.
        &register(14, at(14) | 1),
        &[jump(6)],
        // Down, and to 18, as before.
        &[step(7, 1)],
        &register(14, at(18)),
        &[jump(14)],
        &[sub(1, 1, 3), branch(NE, -11), stop(0)],
        // At 21 and 23: the functions.
        &[step(4, 3), jump(14)],
        &[step(4, 1), jump(14)],
    ]);
    for make in [Machine::eager as fn() -> Machine, Machine::cold] {
        let mut machine = make();
        let (after, exception) = same(&mut machine, CODE, &code, &State::default());
        assert_eq!(exception, Exception::Breakpoint(0));
        assert_eq!((after.r[4], after.r[7]), (2000, 0_u64.wrapping_sub(1000)));
        for (pc, mode, other) in [(plain, Mode::PLAIN, TURNED), (turned, TURNED, Mode::PLAIN)] {
            assert!(machine.heads.0.contains(&Key { pc, mode }), "{mode:?}");
            let mut found = |mode| {
                machine.vcpu.host.mode = mode;
                machine.vcpu.target(pc)
            };
            assert!(found(mode).is_some(), "{mode:?}");
            assert!(found(other).is_none(), "{mode:?}");
            machine.vcpu.clear_target(pc);
            machine.vcpu.host.mode = mode;
            assert!(machine.vcpu.target(pc).is_none(), "{mode:?}");
        }
    }
}

#[test]
fn code_that_changes_is_forgotten_and_code_that_does_not_is_kept() {
    let mut machine = Machine::eager();
    let code = calling_loop();
    same(&mut machine, CODE + 2, &code, &State::default());
    let regions = machine.heads.0.len();
    // The same again.
    same(&mut machine, CODE + 2, &code, &State::default());
    assert_eq!(machine.heads.0.len(), regions);
    // Another function: half of a line, behind an instruction of two bytes.
    let mut other = code;
    other[11] = add(2, 2, 3);
    let (after, _) = same(&mut machine, CODE + 2, &other, &State::default());
    assert_eq!(after.r[2], 1000);
    assert!(machine.heads.0.len() > regions);
}

/// A thread of the machine that runs until `STOP`, or until it is told something.
fn other_thread(
    machine: &Machine,
    state: State,
    run: impl FnOnce(&mut Vcpu<Toy>, &Block) + Send,
    meanwhile: impl FnOnce(&'static engine::thread::attention::Attention),
) {
    thread::scope(|scope| {
        let (tell, told) = std::sync::mpsc::channel();
        let translator = &machine.translator;
        scope.spawn(move || {
            let block = Block::new().unwrap();
            handlers::install(&block).unwrap();
            let mut vcpu = translator.thread::<View<'_>>(state);
            translator.join(&mut vcpu, block.attention());
            tell.send(block.attention()).unwrap();
            run(&mut vcpu, &block);
            translator.part(block.attention());
        });
        meanwhile(told.recv().unwrap());
    });
}

/// Counts in two registers until a word of memory is not zero.
fn counting_loop() -> [u16; 7] {
    [
        step(1, 1),
        step(2, 1),
        load(3, 8, 0),
        sub(4, 3, 5),
        branch(EQ, -4),
        stop(0),
        stop(0),
    ]
}

fn counting() -> State {
    let mut state = State {
        pc: CODE,
        ..State::default()
    };
    state.r[8] = DATA;
    state
}

#[test]
fn a_signal_is_told_between_two_instructions() {
    let machine = Machine::eager();
    machine.world.write(CODE, &counting_loop());
    data(0).store(0, Ordering::Relaxed);
    let run = |vcpu: &mut Vcpu<Toy>, block: &Block| {
        let mut view = View(&machine.world);
        let mut heads = Heads::default();
        for _ in 0..200 {
            assert_eq!(machine.translator.run(vcpu, &mut view, &mut heads), None);
            let state = &vcpu.cpu;
            let ahead = u64::from(state.pc == CODE + 2);
            assert_eq!(state.r[1], state.r[2] + ahead, "at {:#x}", state.pc);
            assert!((CODE..=CODE + 10).contains(&state.pc));
            block.attention().word.fetch_and(!SIGNAL, Ordering::AcqRel);
        }
        data(0).store(1, Ordering::Relaxed);
        // The last signal may come only now.
        let end = loop {
            if let Some(end) = machine.translator.run(vcpu, &mut view, &mut heads) {
                break end;
            }
            block.attention().word.fetch_and(!SIGNAL, Ordering::AcqRel);
        };
        assert_eq!(end, Exception::Breakpoint(0));
    };
    other_thread(&machine, counting(), run, |attention| {
        while data(0).load(Ordering::Relaxed) == 0 {
            attention.word.fetch_or(SIGNAL, Ordering::SeqCst);
            handlers::kick(attention);
            while attention.word.load(Ordering::Relaxed) != 0
                && data(0).load(Ordering::Relaxed) == 0
            {
                thread::yield_now();
            }
        }
        // What was set last is nobody's.
        attention.word.store(0, Ordering::SeqCst);
    });
}

#[test]
fn a_thread_in_a_loop_leaves_code_that_another_one_changes() {
    let mut machine = Machine::eager();
    machine.world.write(CODE, &counting_loop());
    data(0).store(0, Ordering::Relaxed);
    // The machine's own thread changes code, so it is taken out of the machine.
    let state = State {
        pc: CODE + 0x100,
        ..State::default()
    };
    let mut own = std::mem::replace(
        &mut machine.vcpu,
        machine.translator.thread::<View<'_>>(State::default()),
    );
    let run = |vcpu: &mut Vcpu<Toy>, _: &Block| {
        let mut view = View(&machine.world);
        let mut heads = Heads::default();
        loop {
            if let Some(end) = machine.translator.run(vcpu, &mut view, &mut heads) {
                assert_eq!(end, Exception::Breakpoint(9));
                break;
            }
            machine.translator.at_safe_point(vcpu, &view);
        }
    };
    other_thread(&machine, counting(), run, |_| {
        thread::sleep(Duration::from_millis(50));
        let mut other = counting_loop();
        other[4] = stop(9);
        machine.world.write(CODE, &other);
        machine.world.write(CODE + 0x100, &[stop(1)]);
        let mut view = View(&machine.world);
        own.cpu = state;
        machine.translator.refresh(&mut own, &view);
        let mut heads = Heads::default();
        let end = machine.translator.run(&mut own, &mut view, &mut heads);
        assert_eq!(end, Some(Exception::Breakpoint(1)));
    });
    assert_eq!(Toy::pc(&own.cpu), CODE + 0x100);
}

/// A breakpoint is where an instruction begins: amid one it is none, and garbles nothing.
#[test]
fn a_breakpoint_is_an_instructions() {
    for make in [Machine::eager as fn() -> Machine, Machine::cold] {
        let mut machine = make();
        let code = program(&[&set(1, 0x12_3456), &[add(2, 1, 1), stop(7)]]);
        let state = State::default();
        for (at, stops) in [(2, None), (4, Some(4)), (0, Some(0)), (2, None)] {
            machine.world.stop_at(CODE + at);
            let (after, exception) = same(&mut machine, CODE, &code, &state);
            let (pc, reason) = stops.map_or((6, 7), |pc| (pc, 0));
            assert_eq!(exception, Exception::Breakpoint(reason), "{at}");
            assert_eq!(after.pc, CODE + pc);
        }
    }
}
