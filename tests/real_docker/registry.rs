//! Images that are pushed to a real registry on this machine, which asks for a password.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use crate::rig::{Rig, debian, docker};

/// The user `me` with the password `secret:word`, as the registry keeps it.
const USERS: &str = "me:$2b$04$qhsdc3JmuBnaVmOWK2T7p.POKyxEgXUh2JtjqDniCpJOQXTirUwRe\n";

/// The same as Docker's settings keep it: base64 of `me:secret:word`.
const AUTH: &str = "bWU6c2VjcmV0OndvcmQ=";

/// A registry that ends with the test.
struct Registry {
    /// The process.
    child: Child,
    /// Where it listens.
    address: String,
}

impl Registry {
    /// Starts one in a folder.
    fn start(rig: &Rig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("localhost:{}", listener.local_addr().unwrap().port());
        drop(listener);
        let (users, data) = (rig.path("users"), rig.path("registry"));
        fs::write(&users, USERS).unwrap();
        let config = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {address}\nauth:\n  htpasswd:\n    realm: test\n    path: {}\n",
            data.display(),
            users.display()
        );
        let path = rig.path("registry.yml");
        fs::write(&path, config).unwrap();
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(&path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while std::net::TcpStream::connect(&address).is_err() {
            assert!(std::time::Instant::now() < deadline, "no registry");
            std::thread::yield_now();
        }
        Self { child, address }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

#[test]
#[ignore = "needs Docker and core Lean; run cargo xtask test"]
fn an_image_is_pushed_with_the_credentials_of_dockers_settings_or_helper() {
    let rig = Rig::new();
    let registry = Registry::start(&rig);
    let base = debian("bookworm");
    let name = format!("{}/me/lean:v1", registry.address);
    let config = rig.path("config");
    fs::create_dir_all(&config).unwrap();
    let args = [
        "--kind",
        "core",
        "--base",
        &base,
        "--tag",
        &name,
        "--push",
        "--no-smoke",
        "--json",
    ];
    // Without credentials.
    let seen = rig.build(&args);
    assert_eq!(seen.code, Some(6), "{seen:?}");
    assert!(seen.stderr.contains("docker login"), "{seen:?}");
    // Those in the settings.
    let auths = format!(
        r#"{{"auths":{{"{}":{{"auth":"{AUTH}"}}}}}}"#,
        registry.address
    );
    fs::write(config.join("config.json"), auths).unwrap();
    let json = rig.build(&args).json();
    let digest = json["digest"].as_str().unwrap();
    assert!(digest.starts_with("sha256:"), "{json}");
    // Those of a helper.
    let helper = "#!/bin/sh\nread registry\nprintf '{\"ServerURL\":\"%s\",\"Username\":\"me\",\"Secret\":\"secret:word\"}' \"$registry\"\n";
    let bin = rig.path("bin");
    fs::create_dir_all(&bin).unwrap();
    let program = bin.join("docker-credential-test");
    fs::write(&program, helper).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&program, mode).unwrap();
    fs::write(config.join("config.json"), r#"{"credsStore":"test"}"#).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let output = rig.command(&args).env("PATH", path).output().unwrap();
    let again = crate::rig::Seen::of(output).json();
    assert_eq!(again["digest"], digest);
    docker(&["image", "rm", "--force", &name]);
}
