//! Who may do what: roles on folders, apps, workflows, resources and queries of the library.
//!
//! A role is given to a person or to a group, on a thing or on a folder around it; the highest counts. Nothing of it is remembered
//! anywhere: each statement that asks for a role looks at the rows as they are.

use std::borrow::Cow;

use bulkhead_model::{Role, UserId};
use uuid::Uuid;

use crate::{Database, StoreError};

/// The kinds of objects that roles are granted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// An app.
    App,
    /// A workflow.
    Workflow,
    /// A resource.
    Resource,
    /// A query of the library.
    Query,
    /// A folder, which holds the others.
    Folder,
}

impl ObjectKind {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Workflow => "workflow",
            Self::Resource => "resource",
            Self::Query => "query",
            Self::Folder => "folder",
        }
    }

    /// Its table.
    pub(crate) fn table(self) -> &'static str {
        match self {
            Self::App => "apps",
            Self::Workflow => "workflows",
            Self::Resource => "resources",
            Self::Query => "library_queries",
            Self::Folder => "folders",
        }
    }

    /// Whether object `o` is the one that text `name` names, as an expression. A folder goes by its id, since its path has slashes.
    pub(crate) fn is_named(self, name: &str) -> String {
        match self {
            Self::App | Self::Workflow | Self::Query => format!("o.slug = {name}"),
            Self::Resource => format!("o.name = {name}"),
            Self::Folder => format!("o.id = {name}::text::uuid"),
        }
    }

    /// A name out of an address as [`Self::is_named`] takes it: what is no id is that of no folder.
    pub(crate) fn name(self, name: &str) -> Cow<'_, str> {
        match self {
            Self::Folder => Uuid::try_parse(name).unwrap_or_default().to_string().into(),
            _ => name.into(),
        }
    }

    /// The folders around object `o`, the outermost first, with itself where it is one, as an expression.
    pub(crate) fn lineage(self) -> &'static str {
        match self {
            Self::Folder => "o.lineage",
            _ => "(SELECT f.lineage FROM folders f WHERE f.id = o.folder_id)::uuid[]",
        }
    }

    /// The highest role that was given to person `user` on object `o`, to them or to a group of theirs, there or on a folder around
    /// it, as an expression; null where none was. Of the words, the one for the highest role sorts first.
    pub(crate) fn granted_role(self, user: &str) -> String {
        let (kind, lineage) = (self.as_str(), self.lineage());
        let on_itself = match self {
            Self::Folder => String::new(),
            _ => format!(
                "SELECT g.role FROM grants g WHERE g.user_id = {user} AND g.object_kind = '{kind}' AND g.object_id = o.id
                 UNION ALL SELECT g.role FROM group_members m JOIN group_grants g ON g.group_id = m.group_id
                     WHERE m.user_id = {user} AND g.object_kind = '{kind}' AND g.object_id = o.id
                 UNION ALL "
            ),
        };
        format!(
            "(SELECT min(given.role) FROM ({on_itself}
                 SELECT g.role FROM grants g WHERE g.user_id = {user} AND g.object_kind = 'folder' AND g.object_id = ANY ({lineage})
                 UNION ALL SELECT g.role FROM group_members m JOIN group_grants g ON g.group_id = m.group_id
                     WHERE m.user_id = {user} AND g.object_kind = 'folder' AND g.object_id = ANY ({lineage})) given)"
        )
    }

    /// The role of person `user` on object `o`, as an expression; `is_admin` and `user` are expressions too. Everybody is a viewer of a
    /// built-in resource: released queries of apps that they may use run on it without a grant of its own.
    pub(crate) fn effective_role(self, is_admin: &str, user: &str) -> String {
        let granted = self.granted_role(user);
        let granted = match self {
            Self::Resource => format!("coalesce({granted}, CASE WHEN o.built_in THEN 'viewer' END)"),
            _ => granted,
        };
        format!("CASE WHEN {is_admin} THEN 'admin' ELSE {granted} END")
    }
}

/// An object as one person may see it.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// The object's id.
    pub id: Uuid,
    /// What the person may do with it.
    pub role: Role,
}

pub(crate) fn role(operation: &'static str, word: &str) -> Result<Role, StoreError> {
    word.parse().map_err(|()| StoreError::bad_word(operation, word))
}

impl Database {
    /// The object named `name`, if it exists and `user` has any role on it. An administrator has the highest on all.
    pub async fn access(
        &self,
        kind: ObjectKind,
        name: &str,
        user: UserId,
        is_admin: bool,
    ) -> Result<Option<Access>, StoreError> {
        let operation = "read a role";
        let client = self.client(operation).await?;
        let (table, named) = (kind.table(), kind.is_named("$1"));
        let effective = kind.effective_role("$3::boolean", "$2::uuid");
        let sql = format!(
            "SELECT seen.id, seen.role FROM (SELECT o.id, {effective} AS role FROM {table} o WHERE {named} OFFSET 0) seen
             WHERE seen.role IS NOT NULL"
        );
        let statement = client.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
        let row = client.query_opt(&statement, &[&kind.name(name), &user.0, &is_admin]).await;
        let row = row.map_err(StoreError::of(operation))?;
        row.map(|row| Ok(Access { id: row.get(0), role: role(operation, row.get(1))? })).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_for_a_higher_role_sorts_first() {
        let mut words = [Role::Viewer, Role::Admin, Role::Editor].map(Role::as_str);
        words.sort_unstable();
        assert_eq!(words, [Role::Admin, Role::Editor, Role::Viewer].map(Role::as_str));
    }
}
