//! The provider of a function's credentials, which expire.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use tokio::time::sleep;

use crate::aws::Network;
use crate::clock;
use crate::faults::{Kind, Reply, Service};
use crate::world::{Outcome, UnderWay};

impl ProvideCredentials for Network {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let mut random = self.chance();
        let mut world = self.world.lock();
        let fault = world.fault(Service::Credentials, &mut random).map(|fault| fault.reply);
        let met = fault.map_or(Kind::None, |_| Kind::Credentials);
        let call = world.begin(self.instance, Service::Credentials, met, None);
        let lifetime = world.schedule.setting.credentials;
        drop(world);
        let under_way = UnderWay { world: self.world.clone(), call: Some(call) };
        future::ProvideCredentials::new(async move {
            match fault {
                None => {
                    under_way.end(Outcome::Taken);
                    let expires = clock::now() + lifetime;
                    let (id, at) = (format!("AKIA{expires}"), clock::right_wall_at(expires));
                    Ok(Credentials::new(id, "secret", Some("token".into()), Some(at), "schedule"))
                }
                Some(Reply::Hang) => {
                    sleep(Duration::from_secs(60)).await;
                    Err(CredentialsError::provider_error("no answer"))
                }
                Some(_) => {
                    sleep(Duration::from_millis(3)).await;
                    under_way.end(Outcome::Unreachable);
                    Err(CredentialsError::provider_error("the credentials endpoint failed"))
                }
            }
        })
    }
}
