//! What commands work with: made once, and only what a command asks for.

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
use crate::keys::{KeyStore, UnownedKey, take_out};
use crate::options::Options;
use crate::output::{self, Format};
use crate::stack::Stack;

/// The options, and what they lead to.
pub struct Context {
    pub options: Options,
    pub sdk: SdkConfig,
    jw: OnceCell<Jw>,
    stack: OnceCell<Stack>,
}

impl Context {
    pub async fn new(options: Options) -> Self {
        let sdk = aws::settings(&options).await;
        Self { options, sdk, jw: OnceCell::new(), stack: OnceCell::new() }
    }

    /// Who answers questions.
    pub fn answers(&self) -> Answers {
        if self.options.yes { Answers::AllYes } else { Answers::FromTerminal }
    }

    /// How results are written.
    pub fn format(&self) -> Format {
        self.options.output
    }

    /// JW's API, with its secret from where the options say.
    pub async fn jw(&self) -> Result<&Jw> {
        let jw = || async {
            let secret = ApiSecret::find(&self.options, &self.sdk).await?;
            Jw::new(self.options.jw_api_url.clone(), secret)
        };
        self.jw.get_or_try_init(jw).await
    }

    /// Where events come in and go out.
    pub async fn stack(&self) -> Result<&Stack> {
        self.stack.get_or_try_init(|| Stack::find(&self.options, &self.sdk)).await
    }

    /// The secret with the webhooks' keys.
    pub async fn keys(&self) -> Result<KeyStore> {
        Ok(KeyStore::new(&self.sdk, self.stack().await?.secret_id()?))
    }

    /// The keys as the function reads them. What is wrong with entries is said on stderr.
    pub async fn ring(&self) -> Result<KeyRing> {
        let store = self.keys().await?;
        let keys = store.read().await?;
        let (ring, problems) = keys.ring().map_err(|problem| store.unreadable(problem))?;
        for problem in problems {
            output::note(&problem.to_string());
        }
        Ok(ring)
    }

    /// Changes the key ring; tells whether there was anything to change. A secret by itself is made a
    /// ring of the one webhook that calls the stack.
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

    /// Takes a webhook's key out of the ring.
    pub async fn take_key_out(&self, webhook_id: &str) -> Result<()> {
        self.edit_keys(UnownedKey::Kept, |ring| take_out(ring, webhook_id)).await.map(|_| ())
    }

    /// Makes a secret by itself the ring of this webhook, which has to be its owner still: whoever
    /// answers a question takes time, and JW's webhooks may change meanwhile.
    pub async fn make_ring_of(&self, webhook_id: &str) -> Result<()> {
        let check = |ring: &mut EditableRing| match ring.contains(webhook_id) {
            true => Ok(()),
            false => bail!(
                "webhook {webhook_id} is not the owner of the secret's key any more: it has to be the \
                 only webhook that calls this stack. The secret was not changed. See with jwhook list \
                 what changed, then try again"
            ),
        };
        self.edit_keys(UnownedKey::Kept, check).await.map(|_| ())
    }
}

/// Whose a secret by itself is: the one webhook's that calls the stack.
pub fn owner_of_single_key(webhooks: &[Webhook], url: &Endpoint) -> Result<Option<String>> {
    let mut callers = webhooks.iter().filter(|webhook| webhook.calls(url));
    match (callers.next(), callers.next()) {
        (caller, None) => Ok(caller.map(|webhook| webhook.id.clone())),
        (Some(one), Some(other)) => bail!(
            "the secret is one webhook's by itself, and more than one webhook calls {url} ({}, {}, \
             …): store it as a key ring, {{\"ID\": \"…\"}}, then try again",
            one.id,
            other.id
        ),
        (None, Some(_)) => Ok(None),
    }
}
