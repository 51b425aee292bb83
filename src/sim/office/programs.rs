//! The programs behind the lines, as the exchange's thread sees them: started, listened to, hung up on, reaped.

use nix::poll::PollFlags;

use crate::model::Mono;

use super::Message;
use super::worker::{READ_BYTES, Worker};
use crate::sim::exchange::{CallNumber, Input};
use crate::sim::log::{Entry, What};
use crate::sim::program::Program;

impl Worker {
    pub(super) fn start(&mut self, line: usize, call: CallNumber) {
        let argv = self.engine.program(line).unwrap_or_default().to_vec();
        let bell = self.bell.clone();
        match Program::start(&argv, move || bell.tell(Message::Ended(call))) {
            Ok(program) => {
                self.programs.insert(call, program);
                self.log.add(Entry { mono_us: self.stamp(), call: Some(call), ..Entry::new(What::Started) });
            }
            Err(error) => {
                self.trouble(Some(call), &format!("`{}` could not be started: {error}", argv.join(" ")));
                // Told by the bell, since we are amid the exchange's outputs.
                self.bell.tell(Message::Ended(call));
            }
        }
    }

    pub(super) fn tend_programs(&mut self, now: Mono) {
        let over: Vec<CallNumber> = self
            .programs
            .iter_mut()
            .filter_map(|(call, p)| (p.deadline().is_some() && p.is_over(now)).then_some(*call))
            .collect();
        for call in over {
            self.programs.remove(&call);
        }
    }

    pub(super) fn program_ended(&mut self, call: CallNumber) {
        // Its last words come before its end.
        self.read_program(call);
        let now = self.clock.now();
        let known = self.programs.contains_key(&call);
        if known {
            self.log.add(Entry { mono_us: self.stamp(), call: Some(call), ..Entry::new(What::Ended) });
        }
        self.handle(now, Input::FarEnded(call));
        if let Some(program) = self.programs.get_mut(&call) {
            program.hang_up(now);
            if program.is_over(now) {
                self.programs.remove(&call);
            }
        }
    }

    pub(super) fn serve_program(&mut self, call: CallNumber, flags: PollFlags) {
        if flags.contains(PollFlags::POLLOUT)
            && let Some(pty) = self.programs.get_mut(&call).and_then(Program::pty)
        {
            pty.catch_up();
        }
        if flags.intersects(PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR)
            && !self.read_program(call)
        {
            // All have let go of the terminal: the carrier drops, and what may be left of the program is ended.
            let now = self.clock.now();
            self.handle(now, Input::FarEnded(call));
            if let Some(program) = self.programs.get_mut(&call) {
                program.hang_up(now);
            }
        }
    }

    /// Reads what a program has said. False if its terminal is gone.
    fn read_program(&mut self, call: CallNumber) -> bool {
        let mut bytes = [0; READ_BYTES];
        loop {
            let Some(pty) = self.programs.get_mut(&call).and_then(Program::pty) else { return true };
            match pty.read(&mut bytes) {
                Ok(None) => return true,
                Ok(Some(0)) | Err(_) => return false,
                Ok(Some(n)) => {
                    let now = self.clock.now();
                    self.handle(now, Input::FarBytes(call, &bytes[..n]));
                }
            }
        }
    }
}
