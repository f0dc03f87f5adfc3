//! A program with users in Chainring: it creates one, reads it, changes it against another
//! program, and deletes it. The first argument is the gateway's URL.

use std::env;
use std::time::Duration;

use client::{Change, Client, Error, Versioned};
use protocol::user::{Email, Name, NewUser, UserId};

/// The time for one request with all its repetitions. A gateway answers within 5 s; the rest is
/// for a look at the user after an unknown outcome.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many times a change is tried against other programs.
const ATTEMPTS_MAX: u32 = 5;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let url = env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:3001".to_owned());
    let mut client = Client::new(&url)?.with_patience(PATIENCE);
    if let Ok(token) = env::var("CHAINRING_TOKEN") {
        client = client.with_token(token);
    }
    run(&client).await.map_err(|error| match error.downcast_ref() {
        Some(failure) => {
            let advice = advice(failure);
            error.context(advice)
        }
        None => error,
    })
}

async fn run(client: &Client) -> anyhow::Result<()> {
    let id: UserId = "grace".parse()?;
    let grace = NewUser {
        id: Some(id.clone()),
        name: Name::try_from("Grace".to_owned())?,
        email: Email::try_from("grace@example.org".to_owned())?,
        group: 1,
    };
    let created = create_or_read(client, grace.clone(), &id).await?;
    println!("group {}: {}", created.user.group, created.user.email.as_str());

    // A second attempt, as after a crash of this program, finds the user.
    let read = create_or_read(client, grace, &id).await?;

    // Another program changes the address. So this program's version of the user is old.
    let email = Some(Email::try_from("hopper@example.org".to_owned())?);
    client.change(&id, &Change { email, ..Change::default() }).await?;
    let moved = move_to_group(client, read, 2).await?;
    println!("group {}: {}", moved.user.group, moved.user.email.as_str());

    delete(client, &id).await?;
    delete(client, &id).await?;
    Ok(())
}

/// Creates a user, or reads the one with the same id.
async fn create_or_read(client: &Client, user: NewUser, id: &UserId) -> Result<Versioned, Error> {
    match client.create(user).await {
        Ok(created) => {
            println!("created {id}");
            Ok(created)
        }
        Err(error) if error.is_problem("user-exists") => {
            println!("{id} exists already: reading it");
            client.read(id).await
        }
        Err(error) => Err(error),
    }
}

/// Changes the group of a user. The tag of the version that was read goes along, so no change of
/// another program is overwritten unseen. Safe to repeat, because the result is always the same.
async fn move_to_group(
    client: &Client,
    mut read: Versioned,
    group: u32,
) -> Result<Versioned, Error> {
    let id = read.user.id.clone();
    let mut attempt = 1;
    while read.user.group != group {
        let if_match = Some(read.etag.clone());
        let change = Change { group: Some(group), if_match, ..Change::default() };
        match client.change(&id, &change).await {
            Err(error) if attempt < ATTEMPTS_MAX && error.is_problem("precondition-failed") => {
                println!("another program has changed {id}: reading it again");
            }
            // It may have been done. The next version tells.
            Err(Error::Unknown(why)) if attempt < ATTEMPTS_MAX => {
                println!("perhaps {id} has moved ({why}): reading it again");
            }
            result => return result,
        }
        read = client.read(&id).await?;
        attempt += 1;
    }
    Ok(read)
}

/// Deletes a user. The absence of the user is a success too.
async fn delete(client: &Client, id: &UserId) -> Result<(), Error> {
    match client.delete(id).await {
        Ok(()) => println!("deleted {id}"),
        Err(error) if error.is_problem("user-not-found") => println!("{id} is not there"),
        Err(error) => return Err(error),
    }
    Ok(())
}

/// The next step after a failure, for the user of this program.
fn advice(error: &Error) -> &'static str {
    match error {
        Error::Refused(_) => "another attempt would end alike: change the request",
        Error::NotDone(_) | Error::Unreachable(_) => {
            "nothing was changed by the last request: run this again later"
        }
        Error::Unknown(_) => "the last request may have been carried out: read the user first",
        Error::Answer(_) | Error::Setup(_) => "this is no gateway, or one of another release",
    }
}
