//! Operations on users in words, for reports.

use std::fmt;

use super::{Fields, Input, Output, Patch, Record, ReusedEtag};

impl fmt::Display for Fields {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, email, group } = self;
        write!(formatter, "{{name {name:?}, email {email:?}, group {group}}}")
    }
}

impl fmt::Display for Patch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_ref().map(|name| format!("name {name:?}"));
        let email = self.email.as_ref().map(|email| format!("email {email:?}"));
        let group = self.group.map(|group| format!("group {group}"));
        let parts: Vec<String> = [name, email, group].into_iter().flatten().collect();
        write!(formatter, "{{{}}}", parts.join(", "))
    }
}

impl fmt::Display for Record {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_ref().map(|name| format!("{name:?}"));
        let email = self.email.as_ref().map(|email| format!("{email:?}"));
        let group = self.group.map(|group| group.to_string());
        let [name, email, group] =
            [name, email, group].map(|value| value.unwrap_or_else(|| String::from("never shown")));
        let etag = self.etag.as_deref().unwrap_or("not seen");
        write!(formatter, "{{name {name}, email {email}, group {group}}}, etag {etag}")
    }
}

impl fmt::Display for Input {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::Create { id, fields } => write!(formatter, "create {id} {fields}"),
            Input::Read { id } => write!(formatter, "read {id}"),
            Input::Change { id, patch, if_match, if_none_match } => {
                write!(formatter, "change {id} {patch}")?;
                write_condition(formatter, if_match.as_deref(), if_none_match.as_deref())
            }
            Input::Delete { id, if_match, if_none_match } => {
                write!(formatter, "delete {id}")?;
                write_condition(formatter, if_match.as_deref(), if_none_match.as_deref())
            }
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (words, fields, etag) = match self {
            Output::Created { etag } => ("created", None, etag.as_deref()),
            Output::AlreadyExists => ("already exists", None, None),
            Output::Found { fields, etag } => ("found", Some(fields), etag.as_deref()),
            Output::NotFound => ("not found", None, None),
            Output::Changed { fields, etag } => ("changed", Some(fields), etag.as_deref()),
            Output::PreconditionFailed => ("precondition failed", None, None),
            Output::Deleted => ("deleted", None, None),
        };
        formatter.write_str(words)?;
        if let Some(fields) = fields {
            write!(formatter, " {fields}")?;
        }
        match etag {
            Some(etag) => write!(formatter, ", etag {etag}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ReusedEtag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, first_fields) = &self.first;
        let (second, second_fields) = &self.second;
        write!(
            formatter,
            "etag {} of user {} stands for two contents: operation {first} saw {first_fields}, \
             operation {second} saw {second_fields}",
            self.etag, self.id
        )
    }
}

fn write_condition(
    formatter: &mut fmt::Formatter<'_>,
    if_match: Option<&str>,
    if_none_match: Option<&str>,
) -> fmt::Result {
    if let Some(etags) = if_match {
        write!(formatter, " if etag is {etags}")?;
    }
    match if_none_match {
        Some(etags) => write!(formatter, " unless etag is {etags}"),
        None => Ok(()),
    }
}
