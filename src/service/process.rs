//! What the daemon takes of its host: memory, descriptors, threads, time. Asked of the kernel when somebody wants to know.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// What this process takes. What the system does not tell is absent.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Process {
    /// Memory that is in use, bytes.
    pub resident: Option<u64>,
    /// Descriptors that are open.
    pub descriptors: Option<u64>,
    /// Most descriptors that it may have.
    pub descriptors_max: Option<u64>,
    /// Threads.
    pub threads: Option<u64>,
    /// Time of a processor that it has used.
    pub processor: Option<Duration>,
}

impl Process {
    /// This process, now.
    pub fn look() -> Self {
        let own = Path::new("/proc/self");
        let status = fs::read_to_string(own.join("status")).unwrap_or_default();
        let figure = |name: &str| {
            let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
            rest.split_whitespace().next()?.parse::<u64>().ok()
        };
        // The look itself has one open.
        let descriptors = fs::read_dir(own.join("fd")).ok().map(|all| all.count().saturating_sub(1));
        Self {
            resident: figure("VmRSS:").map(|kib| kib.saturating_mul(1_024)),
            descriptors: descriptors.and_then(|n| u64::try_from(n).ok()),
            descriptors_max: limit(),
            threads: figure("Threads:"),
            processor: used(),
        }
    }
}

#[cfg(unix)]
fn limit() -> Option<u64> {
    use nix::sys::resource::{Resource, getrlimit};
    getrlimit(Resource::RLIMIT_NOFILE).ok().map(|(soft, _)| soft)
}

#[cfg(unix)]
fn used() -> Option<Duration> {
    use nix::sys::resource::{UsageWho, getrusage};
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    let micros = |time: nix::sys::time::TimeVal| {
        u64::try_from(time.tv_sec())
            .ok()?
            .checked_mul(1_000_000)?
            .checked_add(u64::try_from(time.tv_usec()).ok()?)
    };
    Some(Duration::from_micros(micros(usage.user_time())?.checked_add(micros(usage.system_time())?)?))
}

#[cfg(not(unix))]
const fn limit() -> Option<u64> {
    None
}

#[cfg(not(unix))]
const fn used() -> Option<Duration> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_all_of_it() {
        let here = Process::look();
        assert!(here.resident.is_some_and(|bytes| bytes > 1 << 20), "{here:?}");
        assert!(here.threads.is_some_and(|n| n >= 1) && here.processor.is_some(), "{here:?}");
        let max = here.descriptors_max.unwrap();
        // Other tests open and close theirs meanwhile; three are always there.
        assert!(here.descriptors.is_some_and(|n| (3..=max).contains(&n)), "{here:?}");
    }
}
