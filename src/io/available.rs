//! How much memory this process may take, as far as the system tells.

use std::path::Path;

/// Memory in bytes that is free for this process: what the machine has available, less where a control group or a resource limit
/// sets a bound. `None` where the system does not tell (it does on Linux).
pub fn available_memory() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let machine = read("/proc/meminfo").and_then(|text| available_in(&text));
    let group = read("/proc/self/cgroup").and_then(|text| group_of(&text)).and_then(|group| {
        // A bound on any group around ours counts.
        let root = Path::new("/sys/fs/cgroup");
        let place = root.join(group.trim_start_matches('/'));
        let left = |place: &Path| {
            let number = |name: &str| std::fs::read_to_string(place.join(name)).ok()?.trim().parse::<u64>().ok();
            let used = number("memory.current")?.saturating_sub(inactive(place).unwrap_or(0));
            Some(number("memory.max")?.saturating_sub(used))
        };
        place.ancestors().take_while(|place| place.starts_with(root)).filter_map(left).min()
    });
    let limit = read("/proc/self/limits").and_then(|text| address_space_in(&text));
    [machine, group, limit].into_iter().flatten().min()
}

/// `MemAvailable` of `/proc/meminfo`.
fn available_in(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The process's group in the one hierarchy of version 2.
fn group_of(cgroup: &str) -> Option<String> {
    cgroup.lines().find_map(|line| line.strip_prefix("0::")).map(str::to_owned)
}

/// Files that are kept in memory and given back when it is wanted.
fn inactive(group: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(group.join("memory.stat")).ok()?;
    text.lines().find_map(|line| line.strip_prefix("inactive_file "))?.trim().parse().ok()
}

/// The soft limit of the address space in `/proc/self/limits` (`ulimit -v`).
fn address_space_in(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_words_are_understood() {
        assert_eq!(available_in("MemTotal: 9 kB\nMemAvailable:   2048 kB\n"), Some(2 << 20));
        assert_eq!(available_in("MemTotal: 9 kB\n"), None);
        assert_eq!(group_of("1:name=x:/y\n0::/user.slice/job\n").as_deref(), Some("/user.slice/job"));
        let limits =
            |value: &str| format!("Limit  Soft  Hard  Units\nMax address space         {value}  unlimited bytes\n");
        assert_eq!(address_space_in(&limits("1073741824")), Some(1 << 30));
        assert_eq!(address_space_in(&limits("unlimited")), None);
        if cfg!(target_os = "linux") {
            assert!(available_memory().is_some_and(|bytes| bytes > 1 << 20));
        }
    }
}
