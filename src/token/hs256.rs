//! HMAC-SHA256 for `jsonwebtoken`, computed by ring.
//!
//! The function already contains ring, for rustls. The providers of `jsonwebtoken` itself would add a second
//! cryptography library: AWS-LC, or RustCrypto with RSA and elliptic curves, which JW's tokens do not use.

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::signature::{self, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey};
use ring::hmac;

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(ErrorKind::UnsupportedAlgorithm.into()), // never used: `sign` calls ring
    verifier_factory: |algorithm, key| match algorithm {
        Algorithm::HS256 => {
            Ok(Box::new(Hs256(hmac::Key::new(hmac::HMAC_SHA256, key.try_get_as_bytes()?))))
        }
        _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
    },
    key_utils: KeyUtils::new_unimplemented(), // for JWKs, which we never read
};

/// Whether the base64url `signature` matches `signing_input` and `key`. Compares in constant time.
pub(super) fn verify(signature: &str, signing_input: &str, key: &[u8]) -> bool {
    let _ = PROVIDER.install_default(); // fails if the provider is already installed
    let key = DecodingKey::from_secret(key);
    jsonwebtoken::crypto::verify(signature, signing_input.as_bytes(), &key, Algorithm::HS256)
        .unwrap_or(false)
}

#[cfg(any(test, feature = "cli"))]
pub(super) fn sign(signing_input: &str, key: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), signing_input.as_bytes())
}

struct Hs256(hmac::Key);

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, input: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        hmac::verify(&self.0, input, signature).map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}
