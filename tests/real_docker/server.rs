//! Bases on which the server in an image is another program: one that answers by rules, lies, dies.

use crate::rig::{Rig, Source, debian};

/// A server that accepts what does not look false. `VERDICT` is replaced.
const SERVER: &str = r#"#!/usr/bin/perl
use strict; use IO::Socket::INET;
exec('/usr/local/bin/leanrepl', @ARGV) if $ARGV[0] ne 'serve';
DEATH
my $door = IO::Socket::INET->new(LocalPort => 8000, Listen => 5, ReuseAddr => 1) or die;
while (my $client = $door->accept) {
    my ($head, $body) = ('', '');
    while (my $line = <$client>) { $head .= $line; last if $line eq "\r\n"; }
    read($client, $body, $1) if $head =~ /Content-Length: (\d+)/;
    my $status = 200;
    VERDICT
    print $client "HTTP/1.0 $status X\r\n\r\n{}";
    close $client;
}
"#;

/// Rules by which the texts of a trial are told apart.
const HONEST: &str =
    r"$status = 400 if $body =~ /\+ 1 := by/; $status = 408 if $body =~ /partial/;";

/// A base whose server behaves.
pub(crate) fn honest(rig: &mut Rig) -> String {
    base(rig, &SERVER.replace("VERDICT", HONEST).replace("DEATH", ""))
}

/// A base whose server accepts everything.
pub(crate) fn lying(rig: &mut Rig) -> String {
    base(rig, &SERVER.replace("VERDICT", "").replace("DEATH", ""))
}

/// A base whose server ends at once.
pub(crate) fn dying(rig: &mut Rig) -> String {
    let death = r#"print STDERR "no room\n"; exit 9;"#;
    base(rig, &SERVER.replace("VERDICT", "").replace("DEATH", death))
}

/// A base whose server is never ready.
pub(crate) fn sleeping(rig: &mut Rig) -> String {
    base(
        rig,
        &SERVER
            .replace("VERDICT", "")
            .replace("DEATH", "sleep 1000;"),
    )
}

/// A base with that program before leanrepl on the PATH.
fn base(rig: &mut Rig, program: &str) -> String {
    let dockerfile = format!(
        "FROM {}\nENV PATH=/usr/local/sbin:/usr/local/bin:/usr/bin:/bin\nCOPY leanrepl /usr/local/sbin/leanrepl\n",
        debian("bookworm")
    );
    rig.image(&dockerfile, &[("leanrepl", Source::Script(program))])
}
