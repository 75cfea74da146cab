//! The options, JW's API and the stack, for all commands. JW's API and the stack are read on first use.

use anyhow::{Result, bail};
use aws_config::SdkConfig;
use jw_webhook_forwarder::key_ring::KeyRing;
use jw_webhook_forwarder::key_ring::edit::EditableRing;
use tokio::sync::OnceCell;

use crate::ask::Answers;
use crate::aws;
use crate::endpoint::Endpoint;
use crate::jw::Jw;
use crate::jw::secret::ApiSecret;
use crate::jw::webhook::Webhook;
use crate::keys::{KeyStore, UnownedKey, remove_key};
use crate::options::Options;
use crate::output::{self, Format};
use crate::stack::Stack;

/// The options, and what is built from them.
pub struct Context {
    pub options: Options,
    pub sdk: SdkConfig,
    jw: OnceCell<Jw>,
    stack: OnceCell<Stack>,
}

impl Context {
    pub async fn new(options: Options) -> Result<Self> {
        let sdk = aws::settings(&options).await?;
        Ok(Self { options, sdk, jw: OnceCell::new(), stack: OnceCell::new() })
    }

    pub fn answers(&self) -> Answers {
        if self.options.yes { Answers::AllYes } else { Answers::FromTerminal }
    }

    pub fn format(&self) -> Format {
        self.options.output
    }

    /// JW's API. The options say where the API secret is.
    pub async fn jw(&self) -> Result<&Jw> {
        let jw = || async {
            let secret = ApiSecret::find(&self.options, &self.sdk).await?;
            Jw::new(self.options.jw_api_url.clone(), secret)
        };
        self.jw.get_or_try_init(jw).await
    }

    pub async fn stack(&self) -> Result<&Stack> {
        self.stack.get_or_try_init(|| Stack::find(&self.options, &self.sdk)).await
    }

    /// The secret with the webhooks' keys.
    pub async fn keys(&self) -> Result<KeyStore> {
        Ok(KeyStore::new(&self.sdk, self.stack().await?.secret_id()?))
    }

    /// The keys as the function reads them. Prints problems with entries on stderr.
    pub async fn ring(&self) -> Result<KeyRing> {
        let store = self.keys().await?;
        let keys = store.read().await?;
        let (ring, problems) = keys.ring().map_err(|problem| store.unreadable(problem))?;
        for problem in problems {
            output::note(&problem.to_string());
        }
        Ok(ring)
    }

    /// Changes the key ring, and returns whether the change made a difference. A single key becomes a
    /// ring that has this key for the only webhook that calls the stack.
    pub async fn edit_keys(
        &self,
        unowned: UnownedKey,
        edit: impl Fn(&mut EditableRing) -> Result<()>,
    ) -> Result<bool> {
        let owner = async || {
            let url = &self.stack().await?.endpoint()?;
            owner_of_single_key(&self.jw().await?.list().await?, url)
        };
        self.keys().await?.edit(owner, unowned, edit).await
    }

    /// Removes a webhook's key from the ring.
    pub async fn remove_key(&self, webhook_id: &str) -> Result<()> {
        self.edit_keys(UnownedKey::Kept, |ring| remove_key(ring, webhook_id)).await.map(|_| ())
    }

    /// Turns a single key into a ring that has this key for the webhook. Checks again that the webhook
    /// owns the key, because JW's webhooks may have changed while a question was open.
    pub async fn make_ring_of(&self, webhook_id: &str) -> Result<()> {
        let check = |ring: &mut EditableRing| match ring.contains(webhook_id) {
            true => Ok(()),
            false => bail!(
                "another webhook than {webhook_id} calls this stack now, so the secret's single key \
                 may belong to that webhook. The secret was not changed. Run jwhook list to see \
                 what changed, then try again"
            ),
        };
        self.edit_keys(UnownedKey::Kept, check).await.map(|_| ())
    }
}

/// The owner of a single key: the only webhook that calls the stack.
pub fn owner_of_single_key(webhooks: &[Webhook], url: &Endpoint) -> Result<Option<String>> {
    let mut callers = webhooks.iter().filter(|webhook| webhook.calls(url));
    match (callers.next(), callers.next()) {
        (caller, None) => Ok(caller.map(|webhook| webhook.id.clone())),
        (Some(one), Some(other)) => bail!(
            "the secret is a single key, and more than one webhook calls {url} ({}, {}, …), so \
             jwhook cannot tell which webhook the key belongs to: store the key as a key ring, \
             {{\"ID\": \"…\"}}, then try again",
            one.id,
            other.id
        ),
        (None, Some(_)) => Ok(None),
    }
}
