//! What each family says (modems.md 7).

use std::time::Duration;

use crate::sim::file::{AfterLogout, ConsoleKind};

/// The words of a family; `{host}`, `{word}` and `{n}` are filled in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words {
    pub(super) host: &'static str,
    pub(super) banner: &'static str,
    pub(super) login: &'static str,
    pub(super) refused: &'static str,
    pub(super) wrong_delay: Duration,
    pub(super) too_many: &'static str,
    pub(super) motd: &'static str,
    prompt: &'static str,
    open: &'static str,
    pub(super) unknown: &'static str,
    pub(super) quits: bool,
    pub(super) after_logout: AfterLogout,
    /// What asks for a key in front of the login, and again after the logout; empty: nothing does.
    pub(super) press: &'static str,
    /// What is shown in place of a command prompt, where that is a menu whose `0` logs out.
    pub(super) menu: Option<&'static str>,
    /// Asked at the logout, `y` being the way out; then whether to save, where `n` leaves all as it is.
    pub(super) asks: Option<[&'static str; 2]>,
    pub(super) boot: &'static str,
    pub(super) busy: &'static str,
    pub(super) unavailable: &'static str,
    /// Said at once, not after the password.
    pub(super) unavailable_first: bool,
    pub(super) expired: &'static str,
    pub(super) timed_out: &'static str,
    pub(super) syslog: &'static str,
}

const IOS: Words = Words {
    host: "router",
    banner: "\r\n\r\nUser Access Verification\r\n\r\n",
    login: "Username: ",
    refused: "% Login invalid\r\n",
    wrong_delay: Duration::from_secs(2),
    too_many: "\r\n% Bad passwords\r\n",
    motd: "",
    prompt: "{host}>",
    open: "{host}#",
    unknown: "          ^\r\n% Invalid input detected at '^' marker.\r\n",
    quits: true,
    after_logout: AfterLogout::Prompt,
    press: "",
    menu: None,
    asks: None,
    boot: "rommon {n} > ",
    busy: "\r\n% Line is busy, line in use by another session\r\n",
    unavailable: "\r\n\r\nPassword required, but none set\r\n",
    unavailable_first: true,
    expired: "% Your password has expired.\r\nEnter new password: ",
    timed_out: "\r\n% Username:  timeout expired!\r\n",
    syslog: "*Nov 21 02:13:07.811: %LINK-3-UPDOWN: Interface GigabitEthernet0/1, changed state to down",
};

const NXOS: Words = Words {
    host: "switch",
    banner: "\r\n\r\nUser Access Verification\r\n",
    login: "{host} login: ",
    refused: "Login incorrect\r\n",
    wrong_delay: Duration::from_secs(2),
    too_many: "",
    motd: "Cisco Nexus Operating System (NX-OS) Software\r\nTAC support: http://www.cisco.com/tac\r\n",
    prompt: "{host}# ",
    open: "{host}# ",
    unknown: "            ^\r\n% Invalid command at '^' marker.",
    quits: false,
    after_logout: AfterLogout::Prompt,
    press: "",
    menu: None,
    asks: None,
    boot: "loader> ",
    busy: "\r\nLine in use by another session\r\n",
    unavailable: "\r\nRemote AAA servers unreachable; local authentication failed\r\n",
    unavailable_first: false,
    expired: "Your password has expired. Enter new password: ",
    timed_out: "\r\nLogin timed out\r\n",
    syslog: "2026 Nov 21 02:13:07 switch %ETHPORT-5-IF_DOWN_LINK_FAILURE: Interface Ethernet1/7 is down (Link failure)",
};

const LINUX: Words = Words {
    host: "localhost",
    banner: "\r\n\r\nDebian GNU/Linux 12 {host} ttyS0\r\n\r\n",
    login: "{host} login: ",
    refused: "\r\nLogin incorrect\r\n",
    wrong_delay: Duration::from_secs(3),
    too_many: "",
    motd: "Linux {host} 6.1.0-18-amd64 #1 SMP x86_64\r\nLast login: Fri Nov 20 08:01:22 UTC 2026 on ttyS0\r\n",
    prompt: "{user}@{host}:~$ ",
    open: "root@{host}:~# ",
    unknown: "-bash: {word}: command not found",
    quits: false,
    after_logout: AfterLogout::Drop,
    press: "",
    menu: None,
    asks: None,
    boot: "grub> ",
    busy: "\r\nPort in use by another user\r\n",
    unavailable: "\r\nSystem is going down. Unprivileged users are not permitted to log in anymore.\r\n\r\nLogin incorrect\r\n",
    unavailable_first: false,
    expired: "You are required to change your password immediately (administrator enforced).\r\nChanging password.\r\nCurrent password: ",
    timed_out: "\r\nLogin timed out after 60 seconds.\r\n",
    syslog: "[ 4711.081523] eth0: Link is Down",
};

const GENERIC: Words = Words {
    host: "console",
    banner: "\r\n\r\n",
    login: "{host} login: ",
    refused: "Login incorrect\r\n",
    wrong_delay: Duration::from_secs(2),
    too_many: "",
    motd: "",
    prompt: "{host}> ",
    open: "{host}# ",
    unknown: "unknown command: {word}",
    quits: true,
    after_logout: AfterLogout::Prompt,
    press: "",
    menu: None,
    asks: None,
    boot: "loader> ",
    busy: "\r\nPort is in use\r\n",
    unavailable: "\r\n% Authentication server is not responding\r\n",
    unavailable_first: false,
    expired: "Your password has expired.\r\nNew password: ",
    timed_out: "\r\nLogin timed out\r\n",
    syslog: "",
};

const JUNOS: Words = Words {
    host: "router",
    banner: "\r\n\r\n{host} (ttyu0)\r\n\r\n",
    login: "login: ",
    refused: "Login incorrect\r\n",
    wrong_delay: Duration::from_secs(2),
    too_many: "",
    motd: "\r\n--- JUNOS 21.4R3.15 Kernel 64-bit\r\n{master}\r\n",
    prompt: "{user}@{host}> ",
    open: "root@{host}# ",
    unknown: "            ^\r\nunknown command.",
    quits: true,
    after_logout: AfterLogout::Prompt,
    press: "",
    menu: None,
    asks: None,
    boot: "loader> ",
    busy: "\r\nLine in use by another session\r\n",
    unavailable: "\r\nThis account is currently not available.\r\n",
    unavailable_first: false,
    expired: "Your password has expired.\r\nNew password: ",
    timed_out: "\r\nLogin timed out after 60 seconds\r\n",
    syslog: "Nov 21 02:13:07  router mgd[4711]: SNMP_TRAP_LINK_DOWN: ifIndex 513, ifName ge-0/0/1",
};

const PROCURVE: Words = Words {
    host: "switch",
    banner: "\x1b[2J\x1b[1;1H",
    login: "\x1b[24;1H\x1b[2K\x1b[24;1HUsername: \x1b[24;1H\x1b[?25h\x1b[24;11H",
    refused: "Invalid password\r\n",
    wrong_delay: Duration::from_secs(2),
    too_many: "",
    motd: "\x1b[2J\x1b[1;1HYour previous successful login (as manager) was on 2026-11-20 02:00:00\x1b[3;1H",
    prompt: "\x1b[24;1H\x1b[2K\x1b[24;1H{host}# \x1b[24;1H\x1b[?25h\x1b[24;12H",
    open: "\x1b[24;1H\x1b[2K\x1b[24;1H{host}# ",
    unknown: "Invalid input: {word}",
    quits: false,
    after_logout: AfterLogout::Return,
    press: "\x1b[2J\x1b[1;1HProCurve J4813A Switch 2524\r\nSoftware revision F.05.17\r\n\x1b[24;1HPress any key to continue\x1b[24;27H",
    menu: None,
    asks: Some([
        "\x1b[24;1H\x1b[2KDo you want to log out [y/n]? ",
        "\x1b[24;1H\x1b[2KDo you want to save current configuration [y/n/^C]? ",
    ]),
    boot: "=> ",
    busy: "\r\nThe console is already in use\r\n",
    unavailable: "\r\nCan't reach RADIUS server 10.0.0.1\r\n",
    unavailable_first: false,
    expired: "Your password has expired.\r\nNew password: ",
    timed_out: "\r\nLogin timed out\r\n",
    syslog: "",
};

const PROCURVE_MENU: Words = Words {
    menu: Some(
        "\x1b[2J\x1b[1;1H{host}                                    1-Jan-1990   0:05:41\
         \x1b[2;1H===========================- CONSOLE - MANAGER MODE -===========================\
         \x1b[3;36HMain Menu\x1b[5;4H1. Status and Counters...\x1b[9;4H5. Command Line (CLI)\x1b[14;4H0. Logout\
         \x1b[23;1HTo select menu item, press item number, or highlight item and press <Enter>.\
         \x1b[5;4H\x1b[7m1. Status and Counters...\x1b[0m\x1b[5;4H",
    ),
    ..PROCURVE
};

/// Opengear's login; what follows it is the menu of ports.
const PORT_MENU: Words = Words {
    host: "console-server",
    banner: "\r\n\r\n",
    motd: "",
    prompt: "Connect to port > ",
    open: "Connect to port > ",
    unknown: "Invalid port",
    after_logout: AfterLogout::Prompt,
    ..LINUX
};

impl Words {
    pub(super) const fn of(kind: ConsoleKind) -> Self {
        match kind {
            ConsoleKind::CiscoIos | ConsoleKind::PortNames => IOS,
            ConsoleKind::CiscoNxos => NXOS,
            ConsoleKind::Linux => LINUX,
            ConsoleKind::Junos => JUNOS,
            ConsoleKind::HpProcurve => PROCURVE,
            ConsoleKind::HpProcurveMenu => PROCURVE_MENU,
            ConsoleKind::PortMenu => PORT_MENU,
            ConsoleKind::Generic | ConsoleKind::None => GENERIC,
        }
    }

    pub(super) fn prompt(&self, host: &str, user: &str) -> String {
        let user = if user.is_empty() { "root" } else { user };
        self.prompt.replace("{host}", host).replace("{user}", user)
    }

    pub(super) fn open_prompt(&self, host: &str) -> String {
        self.open.replace("{host}", host)
    }
}
