//! Finds the sections that have most to do with a question: Okapi BM25 over their words.

use std::collections::{HashMap, HashSet};

use mlflow_tracing::MlflowSpanExt as _;
use serde::Serialize;
use tracing::{Span, instrument};

use crate::corpus::Section;

/// The usual values: how soon a repeated word stops to count, how much a long text is discounted.
const K1: f64 = 1.2;
const B: f64 = 0.75;

/// What was found, in the form in which MLflow shows a retriever's outputs.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    pub id: String,
    pub page_content: String,
    pub metadata: Metadata,
}

#[derive(Clone, Debug, Serialize)]
pub struct Metadata {
    pub doc_uri: String,
    pub score: f64,
}

pub struct Retriever {
    sections: Vec<Indexed>,
    /// In how many sections a word occurs.
    frequency: HashMap<String, f64>,
    average_length: f64,
}

struct Indexed {
    section: Section,
    /// How often a word occurs in it.
    words: HashMap<String, f64>,
    length: f64,
}

impl Retriever {
    pub fn new(sections: Vec<Section>) -> Self {
        let sections: Vec<Indexed> = sections.into_iter().map(Indexed::new).collect();
        let mut frequency = HashMap::new();
        for word in sections.iter().flat_map(|section| section.words.keys()) {
            *frequency.entry(word.clone()).or_default() += 1.0;
        }
        let total: f64 = sections.iter().map(|section| section.length).sum();
        let average_length = (total / count(sections.len())).max(1.0);
        Self { sections, frequency, average_length }
    }

    /// The best `top_k` sections, the best first; those that share no word with the query never.
    #[instrument(skip(self), fields(mlflow.spanType = "RETRIEVER"))]
    pub fn retrieve(&self, query: &str, top_k: usize) -> Vec<Document> {
        let wanted: HashSet<String> = words(query).collect();
        let mut scored: Vec<(f64, &Indexed)> = self
            .sections
            .iter()
            .map(|section| (self.score(section, &wanted), section))
            .filter(|(score, _)| *score > 0.0)
            .collect();
        scored.sort_by(|(left, _), (right, _)| right.total_cmp(left));
        let found: Vec<Document> =
            scored.into_iter().take(top_k).map(|(score, found)| found.document(score)).collect();
        Span::current().set_outputs(&found);
        found
    }

    fn score(&self, section: &Indexed, wanted: &HashSet<String>) -> f64 {
        let discount = K1 * (1.0 - B + B * section.length / self.average_length);
        let score = |word: &String| {
            let times = section.words.get(word)?;
            let sections = self.frequency.get(word)?;
            let rarity =
                (1.0 + (count(self.sections.len()) - sections + 0.5) / (sections + 0.5)).ln();
            Some(rarity * times * (K1 + 1.0) / (times + discount))
        };
        wanted.iter().filter_map(score).sum()
    }
}

impl Indexed {
    fn new(section: Section) -> Self {
        let mut counts = HashMap::new();
        for word in words(&section.text) {
            *counts.entry(word).or_default() += 1.0;
        }
        let length = counts.values().sum();
        Self { section, words: counts, length }
    }

    fn document(&self, score: f64) -> Document {
        Document {
            id: self.section.uri.clone(),
            page_content: self.section.text.clone(),
            metadata: Metadata { doc_uri: self.section.uri.clone(), score },
        }
    }
}

/// Words as they are compared: in lower case, without a plural's `s`, none of one or two letters.
pub fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .map(|word| word.to_lowercase().trim_end_matches('s').to_owned())
        .filter(|word| word.chars().count() > 2)
}

#[expect(clippy::cast_precision_loss, reason = "there are not that many sections")]
fn count(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(query: &str, top_k: usize) -> Vec<String> {
        let section = |(uri, text): (&str, &str)| Section { uri: uri.into(), text: text.into() };
        let texts = [
            ("cats", "The cat sleeps. The cat eats."),
            ("dogs", "The dog sleeps, and the dog barks, the dog runs and the dog plays."),
            ("short", "A dog."),
            ("zoo", "The lion sleeps, the cat sleeps."),
        ];
        let retriever = Retriever::new(texts.into_iter().map(section).collect());
        let documents = retriever.retrieve(query, top_k);
        assert!(documents.windows(2).all(|d| d[0].metadata.score >= d[1].metadata.score));
        documents.into_iter().map(|document| document.id).collect()
    }

    #[test]
    fn what_a_word_occurs_in_is_found_the_oftener_the_better() {
        assert_eq!(found("Cats?", 9), ["cats", "zoo"]);
    }

    #[test]
    fn rare_words_weigh_more() {
        assert_eq!(found("sleeps lion", 1), ["zoo"]);
    }

    #[test]
    fn no_more_is_found_than_was_asked_for() {
        assert_eq!(found("the", 2).len(), 2);
    }

    #[test]
    fn what_has_nothing_to_do_with_it_is_not_found() {
        assert_eq!(found("bird", 9), [""; 0]);
    }
}
