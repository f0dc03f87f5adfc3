//! postcard's wire format, appended to existing bytes.

use bytes::{BufMut, BytesMut};
use postcard::ser_flavors::Flavor;
use serde::Serialize;

/// Appends a value.
///
/// # Errors
///
/// When the value does not serialise. This cannot happen for the types of this crate.
pub fn append<T: Serialize>(bytes: &mut BytesMut, value: &T) -> Result<(), postcard::Error> {
    *bytes = postcard::serialize_with_flavor(value, Writer(std::mem::take(bytes)))?;
    Ok(())
}

/// Lets postcard write slices into `BytesMut`. Through `Extend` it would write byte by byte.
struct Writer(BytesMut);

impl Flavor for Writer {
    type Output = BytesMut;

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.put_u8(byte);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<BytesMut> {
        Ok(self.0)
    }
}
