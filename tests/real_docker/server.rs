//! Bases on which the server in an image is another program: one that lies, dies or sleeps.

use crate::rig::{Rig, Source, debian};

/// A server that accepts everything. `DEATH` is replaced.
const SERVER: &str = r#"#!/usr/bin/perl
use strict; use IO::Socket::INET;
exec('/usr/local/bin/leanrepl', @ARGV) if $ARGV[0] ne 'serve';
DEATH
my $door = IO::Socket::INET->new(LocalPort => 8000, Listen => 5, ReuseAddr => 1) or die;
while (my $client = $door->accept) {
    my ($head, $body) = ('', '');
    while (my $line = <$client>) { $head .= $line; last if $line eq "\r\n"; }
    read($client, $body, $1) if $head =~ /Content-Length: (\d+)/;
    print $client "HTTP/1.0 200 X\r\n\r\n{}";
    close $client;
}
"#;

/// A base whose server accepts everything.
pub(crate) fn lying(rig: &mut Rig) -> String {
    base(rig, &SERVER.replace("DEATH", ""))
}

/// A base whose server ends at once.
pub(crate) fn dying(rig: &mut Rig) -> String {
    let death = r#"print STDERR "no room\n"; exit 9;"#;
    base(rig, &SERVER.replace("DEATH", death))
}

/// A base whose server is never ready.
pub(crate) fn sleeping(rig: &mut Rig) -> String {
    base(rig, &SERVER.replace("DEATH", "sleep 1000;"))
}

/// A base with that program before leanrepl on the PATH.
fn base(rig: &mut Rig, program: &str) -> String {
    let dockerfile = format!(
        "FROM {}\nENV PATH=/usr/local/sbin:/usr/local/bin:/usr/bin:/bin\nCOPY leanrepl /usr/local/sbin/leanrepl\n",
        debian("bookworm")
    );
    rig.image(&dockerfile, &[("leanrepl", Source::Script(program))])
}
