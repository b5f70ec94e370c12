//! How much memory there is: the smallest limit of any cgroup between us and the root, or the
//! machine's RAM. What percentages are percentages of.

use std::path::{Path, PathBuf};

use crate::sys::ram;
use crate::units::Bytes;

/// The files that hold a limit, in a memory cgroup of either version (`cgroups(7)`).
const LIMIT_FILES: [&str; 3] = ["memory.max", "memory.high", "memory.limit_in_bytes"];

/// A memory limit, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) bytes: Bytes,
    /// The file of a cgroup; `None`: the machine's RAM.
    pub(crate) file: Option<PathBuf>,
}

/// Version 1 has a number of about 2^63 for "unlimited": no machine has so much.
const UNLIMITED: u64 = 1 << 60;

/// The memory limit in force; `None`: it is unknown.
pub(crate) fn in_force() -> Option<Bytes> {
    find().map(|limit| limit.bytes)
}

/// The same, with where it comes from.
pub(crate) fn find() -> Option<Limit> {
    let cgroups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let limits = memory_cgroups(&cgroups, &mounts)
        .into_iter()
        .flat_map(|(directory, root)| limits_up_to(&directory, &root));
    smallest(limits, physical())
}

/// The smallest limit that means something beside this much RAM, or the RAM.
fn smallest(limits: impl Iterator<Item = (u64, PathBuf)>, ram: Option<u64>) -> Option<Limit> {
    let limits = limits.filter(|(bytes, _)| *bytes <= ram.unwrap_or(UNLIMITED));
    let limits = limits.map(|(bytes, file)| (bytes, Some(file)));
    let smallest = limits.min_by_key(|(bytes, _)| *bytes).or(ram.map(|bytes| (bytes, None)));
    smallest.map(|(bytes, file)| Limit { bytes: Bytes(bytes), file })
}

/// The machine's RAM: as `/proc/meminfo` has it, which a container may show its own version of;
/// else, where `/proc` shows processes only (`subset=pid`) or is not mounted, by `sysinfo(2)`.
fn physical() -> Option<u64> {
    let meminfo = std::fs::read("/proc/meminfo").ok();
    let total = meminfo.and_then(|text| super::procfs::kilobytes(&text, b"MemTotal"));
    total.or_else(ram::total)
}

/// The limits set on a cgroup and on those above it, with the file of each. "max" is none; the
/// number that version 1 has for "unlimited" is far above any RAM.
fn limits_up_to(directory: &Path, root: &Path) -> Vec<(u64, PathBuf)> {
    let ways = directory.ancestors().take_while(|way| way.starts_with(root));
    let files = ways.flat_map(|way| LIMIT_FILES.map(|file| way.join(file)));
    let limit = |file: &PathBuf| std::fs::read_to_string(file).ok()?.trim().parse().ok();
    files.filter_map(|file| limit(&file).map(|bytes| (bytes, file))).collect()
}

/// Our memory cgroups: the directory of each, and the mount point it is under.
pub(crate) fn memory_cgroups(cgroups: &str, mounts: &str) -> Vec<(PathBuf, PathBuf)> {
    let of_version = |version: Version| {
        let path = cgroups.lines().find_map(|line| version.path(line))?;
        let (root, point) = mounts.lines().find_map(|line| version.mount(line))?;
        // In a container the path may be one that only the host sees: then the mount point is us.
        let below = Path::new(path).strip_prefix(root).unwrap_or(Path::new(""));
        let point = PathBuf::from(point);
        Some((point.join(below), point))
    };
    [Version::One, Version::Two].into_iter().filter_map(of_version).collect()
}

/// Of the cgroup hierarchy.
#[derive(Clone, Copy)]
enum Version {
    One,
    Two,
}

impl Version {
    /// Our path in the hierarchy, if this line of `/proc/self/cgroup` has it:
    /// `ID:CONTROLLERS:PATH`.
    fn path(self, line: &str) -> Option<&str> {
        let (id, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        match self {
            Self::One => controllers.split(',').any(|name| name == "memory"),
            Self::Two => id == "0" && controllers.is_empty(),
        }
        .then_some(path)
    }

    /// Root and mount point, if this line of `/proc/self/mountinfo` mounts the hierarchy
    /// (`proc_pid_mountinfo(5)`).
    fn mount(self, line: &str) -> Option<(&str, &str)> {
        let (mount, system) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let (root, point) = (mount.next()?, mount.next()?);
        let mut system = system.split(' ');
        let (kind, options) = (system.next()?, system.next_back()?);
        let ours = match self {
            Self::One => kind == "cgroup" && options.split(',').any(|name| name == "memory"),
            Self::Two => kind == "cgroup2",
        };
        // Below an empty root, any path would be one of the whole machine.
        (ours && root.starts_with('/')).then_some((root, point))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
        30 24 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n\
        31 24 0:27 /docker/abc /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory\n\
        32 24 0:28 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n";

    fn found(cgroups: &str) -> Vec<(String, String)> {
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        let places = memory_cgroups(cgroups, MOUNTS);
        places.into_iter().map(|(directory, root)| (text(directory), text(root))).collect()
    }

    #[test]
    fn both_versions_are_found_where_they_are_mounted() {
        let cgroups = "4:memory:/docker/abc/inner\n1:cpu,cpuacct:/x\n0::/unified/path\n";
        assert_eq!(
            found(cgroups),
            [
                ("/sys/fs/cgroup/memory/inner".into(), "/sys/fs/cgroup/memory".into()),
                ("/sys/fs/cgroup/unified/unified/path".into(), "/sys/fs/cgroup/unified".into()),
            ]
        );
    }

    #[test]
    fn a_path_that_only_the_host_sees_is_the_mount_point() {
        let here = "/sys/fs/cgroup/memory/".to_owned();
        assert_eq!(found("4:memory:/elsewhere\n"), [(here, "/sys/fs/cgroup/memory".into())]);
        assert!(found("").is_empty());
    }

    #[test]
    fn a_mount_without_a_root_is_none() {
        let mounts = MOUNTS.replace("/docker/abc", "");
        assert!(memory_cgroups("4:memory:/etc\n", &mounts).is_empty());
    }

    #[test]
    fn limits_are_gathered_on_the_way_up() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("a/b");
        std::fs::create_dir_all(&inner).unwrap();
        let set = |file: &str, text| std::fs::write(root.path().join(file), text).unwrap();
        set("a/b/memory.max", "max\n");
        set("a/b/memory.high", "700\n");
        set("a/memory.max", "500\n");
        set("memory.limit_in_bytes", "9223372036854771712\n");
        let mut limits = limits_up_to(&inner, root.path());
        limits.sort_unstable();
        let expected = [
            (500, root.path().join("a/memory.max")),
            (700, root.path().join("a/b/memory.high")),
            (9_223_372_036_854_771_712, root.path().join("memory.limit_in_bytes")),
        ];
        assert_eq!(limits, expected);
    }

    #[test]
    fn what_is_unknown_is_not_infinite() {
        let limits = |sizes: &[u64]| sizes.iter().map(|bytes| (*bytes, "f".into())).collect();
        let found = |sizes: &[u64], ram| {
            let limits: Vec<(u64, PathBuf)> = limits(sizes);
            smallest(limits.into_iter(), ram).map(|limit| (limit.bytes.0, limit.file.is_some()))
        };
        let unlimited = 9_223_372_036_854_771_712;
        assert_eq!(found(&[unlimited], None), None);
        assert_eq!(found(&[unlimited, 700], None), Some((700, true)));
        assert_eq!(found(&[unlimited, 900], Some(800)), Some((800, false)));
        assert_eq!(found(&[700, 500], Some(800)), Some((500, true)));
    }

    #[test]
    fn this_machine_has_memory() {
        let limit = in_force().unwrap();
        assert!(limit > Bytes(1 << 20) && limit < Bytes(UNLIMITED));
    }
}
