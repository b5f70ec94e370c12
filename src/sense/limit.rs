//! How much memory there is: the smallest limit of any cgroup between us and the root, or the
//! machine's RAM. What percentages are percentages of.

use std::path::{Path, PathBuf};

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

/// The memory limit in force.
pub(crate) fn in_force() -> Bytes {
    find().bytes
}

/// The same, with where it comes from.
pub(crate) fn find() -> Limit {
    let cgroups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let limits = memory_cgroups(&cgroups, &mounts)
        .into_iter()
        .flat_map(|(directory, root)| limits_up_to(&directory, &root));
    let limits = limits.map(|(bytes, file)| (bytes, Some(file)));
    let physical = physical().unwrap_or(u64::MAX);
    let (bytes, file) = limits
        .filter(|(bytes, _)| *bytes <= physical)
        .min_by_key(|(bytes, _)| *bytes)
        .unwrap_or((physical, None));
    Limit { bytes: Bytes(bytes), file }
}

/// The machine's RAM, as `/proc/meminfo` has it.
fn physical() -> Option<u64> {
    super::procfs::kilobytes(&std::fs::read("/proc/meminfo").ok()?, b"MemTotal")
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
pub(super) fn memory_cgroups(cgroups: &str, mounts: &str) -> Vec<(PathBuf, PathBuf)> {
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
    fn this_machine_has_memory() {
        assert!(in_force() > Bytes(1 << 20) && in_force() < Bytes(u64::MAX));
    }
}
