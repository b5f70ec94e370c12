//! Servers that sleep while nothing is asked of them: the strangers do not delay their recycle.

use super::strangers::Strangers;
use super::{IDLE, assert_goes_idle, script};
use crate::harness::{free_port, http};
use crate::real_nginx::nginx;

/// Waits in `accept` for as long as it takes.
const PYTHON: &str = "\
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'hello')
server = http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Handler)
while True:
    server.handle_request()
";

pub(super) fn get(port: u16) -> Option<()> {
    http(port, "GET /", b"").ok().filter(|(status, _)| status.contains(" 200 ")).map(drop)
}

#[test]
fn nginx_goes_idle_beside_strangers() {
    let _strangers = Strangers::five();
    let port = free_port();
    let mut run = nginx(IDLE, port, "");
    assert_goes_idle("nginx", &mut run, |_| get(port));
}

#[test]
fn blocking_python_goes_idle_beside_strangers() {
    let _strangers = Strangers::five();
    let port = free_port();
    let mut run = script(IDLE, "python3", PYTHON, port);
    assert_goes_idle("blocking Python", &mut run, |_| get(port));
}
