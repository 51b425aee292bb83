//! The serial ports of this host: what they are called, and what hangs on them as far as USB tells.
//!
//! Whether a modem answers there is for [`super::super::identify`] to find out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tokio_serial::SerialPortType;

/// Where udev keeps names that last, by what a port is and by where it is plugged in.
const BY_ID: &str = "/dev/serial/by-id";
const BY_PATH: &str = "/dev/serial/by-path";

/// A serial port of this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPort {
    /// The name that the system gave it this time: `/dev/ttyUSB0`, `COM3`.
    pub path: PathBuf,
    /// Its name by what it is. Two adaptors without a serial number have the same.
    pub by_id: Option<PathBuf>,
    /// Its name by where it is plugged in: the one for a bank of like modems.
    pub by_path: Option<PathBuf>,
    /// What USB tells of it.
    pub usb: Option<UsbMark>,
}

/// What USB tells of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsbMark {
    /// Vendor and product, as in `0403:6001`.
    pub ids: String,
    /// The maker.
    pub maker: Option<String>,
    /// The product.
    pub product: Option<String>,
    /// The serial number.
    pub serial: Option<String>,
}

impl FoundPort {
    /// The name that lasts longest: it stays with the socket, whatever is plugged in first.
    pub fn stable(&self) -> &Path {
        self.by_path.as_deref().or(self.by_id.as_deref()).unwrap_or(&self.path)
    }
}

/// All serial ports, in the order of their names. Bluetooth ports are left out: opening one dials somebody's telephone.
///
/// # Errors
/// The system does not tell its ports.
pub fn list() -> Result<Vec<FoundPort>, tokio_serial::Error> {
    let by_id = links(Path::new(BY_ID));
    let by_path = links(Path::new(BY_PATH));
    let mut found: Vec<FoundPort> = tokio_serial::available_ports()?
        .into_iter()
        .filter(|port| !matches!(port.port_type, SerialPortType::BluetoothPort))
        .map(|port| {
            let path = PathBuf::from(port.port_name);
            let usb = match port.port_type {
                SerialPortType::UsbPort(usb) => Some(UsbMark {
                    ids: format!("{:04x}:{:04x}", usb.vid, usb.pid),
                    maker: usb.manufacturer,
                    product: usb.product,
                    serial: usb.serial_number,
                }),
                _ => None,
            };
            FoundPort { by_id: by_id.get(&path).cloned(), by_path: by_path.get(&path).cloned(), path, usb }
        })
        .collect();
    found.sort_by_key(|port| natural(&port.path));
    Ok(found)
}

/// The links of a folder, by what they lead to. Of several to one port the shortest, then the first by name.
fn links(folder: &Path) -> BTreeMap<PathBuf, PathBuf> {
    let mut links = BTreeMap::new();
    let Ok(entries) = fs::read_dir(folder) else { return links };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort_by_key(|path| (path.as_os_str().len(), path.clone()));
    for link in paths {
        if let Ok(real) = fs::canonicalize(&link) {
            links.entry(real).or_insert(link);
        }
    }
    links
}

/// Sorts `ttyUSB10` behind `ttyUSB9`.
fn natural(path: &Path) -> (String, u64) {
    let text = path.to_string_lossy();
    let stem = text.trim_end_matches(|c: char| c.is_ascii_digit());
    (stem.to_owned(), text[stem.len()..].parse().unwrap_or(0))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_found_by_what_they_lead_to() {
        let dir = tempfile::tempdir().unwrap();
        let real = fs::canonicalize(dir.path()).unwrap().join("ttyUSB0");
        fs::write(&real, "").unwrap();
        let folder = dir.path().join("by-path");
        fs::create_dir(&folder).unwrap();
        symlink("../ttyUSB0", folder.join("pci-0000:00:14.0-usbv2-0:1:1.0-port0")).unwrap();
        symlink("../ttyUSB0", folder.join("pci-0000:00:14.0-usb-0:1:1.0-port0")).unwrap();
        symlink("../gone", folder.join("pci-9")).unwrap();
        let found = links(&folder);
        assert_eq!(found.len(), 1);
        assert_eq!(found[&real], folder.join("pci-0000:00:14.0-usb-0:1:1.0-port0"));
        assert!(links(&dir.path().join("nowhere")).is_empty());
    }

    #[test]
    fn the_name_that_lasts_is_that_of_the_socket() {
        let mut port = FoundPort { path: "/dev/ttyUSB0".into(), by_id: None, by_path: None, usb: None };
        assert_eq!(port.stable(), Path::new("/dev/ttyUSB0"));
        port.by_id = Some("/dev/serial/by-id/x".into());
        assert_eq!(port.stable(), Path::new("/dev/serial/by-id/x"));
        port.by_path = Some("/dev/serial/by-path/y".into());
        assert_eq!(port.stable(), Path::new("/dev/serial/by-path/y"));
    }

    #[test]
    fn ten_comes_behind_nine() {
        let mut names = ["/dev/ttyUSB10", "/dev/ttyS0", "/dev/ttyUSB9"].map(PathBuf::from);
        names.sort_by_key(|path| natural(path));
        assert_eq!(names, ["/dev/ttyS0", "/dev/ttyUSB9", "/dev/ttyUSB10"].map(PathBuf::from));
    }

    #[test]
    fn the_ports_of_this_host_can_be_listed() {
        for port in list().unwrap() {
            assert!(port.path.is_absolute(), "{port:?}");
        }
    }
}
