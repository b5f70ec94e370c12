//! `examples/container/`: an image of it can be built and does what it is for, and the README
//! shows the same.

use crate::harness::{
    Container, End, Run, copy_program, execute, libraries, limits, send_signal, static_recycle,
    tool,
};
use std::fs;
use std::path::{Path, PathBuf};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Removed from this machine at the end.
struct Image(String);

impl Image {
    /// Of that folder, which gives it its name. Nothing is fetched: there is nothing to fetch.
    fn build(folder: &Path) -> Self {
        let image = Self(folder.file_name().unwrap().to_str().unwrap().to_lowercase());
        let limit = limits().next().unwrap();
        let words = ["--runtime=runc", "build", "--pull=never", "--layers=false", "--network=none"];
        let words = words.into_iter().chain([limit.as_str(), "--tag", &image.0]);
        let output =
            execute("podman", &words.chain([folder.to_str().unwrap()]).collect::<Vec<_>>());
        assert!(output.status.success(), "podman build: {output:?}");
        image
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let output = execute("podman", &["rmi", "--force", &self.0]);
        assert!(std::thread::panicking() || output.status.success(), "{output:?}");
    }
}

#[test]
fn the_example_serves_is_recycled_and_stops() {
    let busybox = tool("busybox");
    assert!(libraries(&busybox).is_empty(), "of Debian's two, this test needs busybox-static");
    // As the README says, only elsewhere.
    let run = Run::bare();
    for entry in fs::read_dir(file("examples/container")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), run.dir().join(entry.file_name())).unwrap();
    }
    for program in [&static_recycle(), &busybox] {
        copy_program(program, &run.dir().join(program.file_name().unwrap()));
    }
    let image = Image::build(run.dir());

    // The variables are what one would give to try it out.
    let options = "--memory=100m --env=RECYCLE_MAP_SIGNAL=USR1:recycle";
    let mut container = Container::start_image(&image.0, run, options);
    let page = fs::read_to_string(file("examples/container/index.html")).unwrap();
    assert_eq!(get(&mut container), page);
    send_signal(container.init(), libc::SIGUSR1);
    container.await_stderr("generation 1 recycled: asked by SIGUSR1");
    assert_eq!(get(&mut container), page);
    container.stop(60);
    assert_eq!(container.finish(), End::Code(128 + libc::SIGTERM));
}

/// The body of the only page.
fn get(container: &mut Container) -> String {
    let mut client = container.client(8080);
    client.send("GET / HTTP/1.0\r\n\r");
    let answer = client.receive_all();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[test]
fn recipes_show_the_example_dockerfile() {
    let recipes = fs::read_to_string(file("docs/recipes.md")).unwrap();
    let shown = recipes.split("```dockerfile\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(shown, fs::read_to_string(file("examples/container/Dockerfile")).unwrap());
}
